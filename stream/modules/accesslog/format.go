// Package accesslog writes a line about each finished session.
//
// See https://nginx.org/en/docs/stream/ngx_stream_log_module.html.
package accesslog

import (
	"fmt"
	"strings"

	"weir/internal/logescape"
	"weir/stream"
)

// A Format is a compiled log_format. It is immutable.
type Format struct {
	pieces []piece
	escape logescape.Escape
}

// A piece is a literal, or a variable if its index is not negative.
type piece struct {
	text  string
	index int
}

const noVariable = -1

// ParseFormat compiles the strings of a log_format, concatenated, against t. The error is nginx's
// sentence. It follows ngx_stream_log_compile_format, whose variables differ from those of a
// Template: "$1" is an ordinary name.
func ParseFormat(texts []string, escape logescape.Escape, t *stream.VarTable) (*Format, error) {
	f := &Format{escape: escape}
	for _, text := range texts {
		for rest := text; rest != ""; {
			n, err := f.addPiece(rest, t)
			if err != nil {
				return nil, err
			}
			rest = rest[n:]
		}
	}
	return f, nil
}

// addPiece adds the variable or literal at the beginning of text, and returns its length in bytes.
func (f *Format) addPiece(text string, t *stream.VarTable) (int, error) {
	if text[0] != '$' {
		n := strings.IndexByte(text, '$')
		if n < 0 {
			n = len(text)
		}
		f.pieces = append(f.pieces, piece{text[:n], noVariable})
		return n, nil
	}
	name, n, err := variable(text)
	if err != nil {
		return 0, err
	}
	f.pieces = append(f.pieces, piece{"", t.Index(name)})
	return n, nil
}

// variable parses "$name" or "${name}" at the start of text, and returns its length in bytes.
func variable(text string) (name string, n int, err error) {
	begin := 1
	braced := strings.HasPrefix(text, "${")
	if braced {
		begin = 2
	}
	end := begin
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	name, n = text[begin:end], end
	if braced && begin < len(text) {
		if end == len(text) || text[end] != '}' {
			return "", 0, fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
		}
		n++
	}
	if name == "" {
		return "", 0, fmt.Errorf("invalid parameter \"%s\"", text)
	}
	return name, n, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// Append appends the line for s to b, without a newline.
func (f *Format) Append(b []byte, s *stream.Session) []byte {
	for i := range f.pieces {
		p := &f.pieces[i]
		if p.index == noVariable {
			b = append(b, p.text...)
			continue
		}
		var found bool
		start := len(b)
		b, found = s.AppendValue(b, p.index)
		b = f.escape.Value(b, start, found)
	}
	return b
}
