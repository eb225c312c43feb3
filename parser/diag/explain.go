package diag

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// shownWidth is the number of columns of a source line that are shown.
	shownWidth = 100
	// shownBefore is the minimum number of them before the offending word, if the line is cut.
	shownBefore = 60
	// tabWidth is the number of columns of a tab.
	tabWidth = 4
)

// Explain returns lines that help the user to correct d: the position, the source line with a caret below
// the offending word, and the hint. line is the text of the line at d.Pos; without it only the hint is
// returned. The result is empty if there is nothing to add. Control characters are escaped, and a long
// line is cut around the caret.
func (d Diagnostic) Explain(line string) string {
	var b strings.Builder
	if strings.TrimSpace(line) != "" && d.Pos.Col > 0 && d.Pos.Col <= len(line)+1 {
		shown, caret := excerpt(line, d.Pos.Col-1)
		number := strconv.Itoa(d.Pos.Line)
		margin := strings.Repeat(" ", len(number))
		fmt.Fprintf(&b, "  at %s\n  %s | %s\n  %s | %s^\n", printable(d.Pos.String()), number, shown, margin, strings.Repeat(" ", caret))
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "  %s\n", printable(d.Hint))
	}
	return b.String()
}

// excerpt returns the shown part of a line, and the column of the byte at offset.
func excerpt(line string, offset int) (shown string, caret int) {
	cells := cellsOf(line)
	at, column := len(cells), 0
	for i, c := range cells {
		if c.offset >= offset {
			at = i
			break
		}
	}
	first := at
	for first > 0 && column+cells[first-1].width() <= shownBefore {
		first--
		column += cells[first].width()
	}
	if rest := width(cells[at:]); rest < shownWidth-shownBefore { // the end of the line leaves room
		for first > 0 && column+cells[first-1].width()+rest <= shownWidth {
			first--
			column += cells[first].width()
		}
	}
	var b strings.Builder
	if first > 0 {
		b.WriteString("…")
		column++
	}
	used := 0
	for _, c := range cells[first:] {
		if used += c.width(); used > shownWidth {
			b.WriteString("…")
			break
		}
		b.WriteString(c.text)
	}
	return b.String(), column
}

// cell is one character as it is shown, and its offset in the line.
type cell struct {
	text   string
	offset int
}

func (c cell) width() int { return utf8.RuneCountInString(c.text) }

func width(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += c.width()
	}
	return n
}

func cellsOf(line string) []cell {
	var cells []cell
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		text := line[i : i+size]
		if r == '\t' {
			text = strings.Repeat(" ", tabWidth)
		}
		cells = append(cells, cell{escaped(text, r, size), i})
		i += size
	}
	return cells
}

// printable returns text with its control characters escaped.
func printable(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		b.WriteString(escaped(text[i:i+size], r, size))
		i += size
	}
	return b.String()
}

// escaped returns text, which is the rune r of size bytes, or an escape if a terminal would not print it.
func escaped(text string, r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1, r < ' ' && r != '\t', r == 0x7f:
		return fmt.Sprintf(`\x%02X`, text[0])
	case r != '\t' && !unicode.IsPrint(r):
		return fmt.Sprintf(`\u%04X`, r)
	}
	return text
}
