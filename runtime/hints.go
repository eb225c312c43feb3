package runtime

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"weir/parser/diag"
)

// maxLine limits how much of a source line is read.
const maxLine = 64 << 10

// hinter explains to the user why a configuration is refused.
type hinter struct {
	globals string // the text of -g
}

// newHinter returns nil unless o asks for hints: scripts get exactly nginx's output.
func newHinter(o Options) *hinter {
	if !o.Hints {
		return nil
	}
	return &hinter{o.Globals}
}

// isTerminal reports whether w is a terminal or another character device.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// explain returns lines that help to correct d; empty if there are none.
func (h *hinter) explain(d diag.Diagnostic) string {
	if d.Pos.Line == 0 {
		return d.Explain("")
	}
	return d.Explain(h.line(d.Pos))
}

// line returns the source line at a position; empty if it cannot be read.
func (h *hinter) line(p diag.Position) string {
	if p.File == "" {
		return lineOf(strings.NewReader(h.globals), p.Line)
	}
	info, err := os.Stat(p.File)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(p.File)
	if err != nil {
		return ""
	}
	defer f.Close()
	return lineOf(f, p.Line)
}

// lineOf returns line n of a text, counted from 1, limited to its first maxLine bytes.
func lineOf(r io.Reader, n int) string {
	lines := bufio.NewReaderSize(r, maxLine)
	for at := 1; ; {
		text, err := lines.ReadSlice('\n')
		if at == n {
			return strings.TrimSuffix(string(text), "\n")
		}
		switch {
		case err == nil:
			at++
		case !errors.Is(err, bufio.ErrBufferFull): // on ErrBufferFull, the same line continues
			return ""
		}
	}
}
