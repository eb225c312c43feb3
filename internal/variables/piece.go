package variables

import (
	"errors"
	"fmt"
	"strings"
)

// A Piece is a part of a string: a literal, a variable if Index is not negative, or otherwise a group of the
// latest match of a regular expression.
type Piece struct {
	Text  string
	Index int
}

// Literal is the Index of a literal.
const Literal = -1

// Group returns the number of the group, from 1.
func (p *Piece) Group() int { return Literal - p.Index }

var errName = errors.New("invalid variable name")

// divideText divides a string such as "$a-${b}$1" into its pieces; nil if it has no variables. The error is nginx's
// sentence. It follows ngx_http_script_compile.
func (t *Table[V]) divideText(text string) ([]Piece, error) {
	if !strings.Contains(text, "$") {
		return nil, nil
	}
	return divide(nil, text, func(rest string) (Piece, int, error) {
		if rest != "" && '1' <= rest[0] && rest[0] <= '9' {
			t.captures = true
			return Piece{"", Literal - int(rest[0]-'0')}, 1, nil
		}
		name, n, err := readName(rest)
		if err != nil {
			return Piece{}, 0, err
		}
		return Piece{"", t.Index(name)}, n, nil
	})
}

// FormatPieces divides the strings of a log_format into their pieces. A name ends with its string. The error is
// nginx's sentence. It follows ngx_http_log_compile_format, for which "$1" is an ordinary name.
func (t *Table[V]) FormatPieces(texts []string) (pieces []Piece, err error) {
	for _, text := range texts {
		pieces, err = divide(pieces, text, func(rest string) (Piece, int, error) {
			name, n, err := readName(rest)
			if errors.Is(err, errName) {
				err = fmt.Errorf("invalid parameter \"$%s\"", rest)
			}
			if err != nil {
				return Piece{}, 0, err
			}
			return Piece{"", t.Index(name)}, n, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

// divide appends the pieces of text. read returns the piece at the start of a text after a dollar sign, and its
// length.
func divide(pieces []Piece, text string, read func(rest string) (Piece, int, error)) ([]Piece, error) {
	for text != "" {
		literal, rest, found := strings.Cut(text, "$")
		if literal != "" {
			pieces = append(pieces, Piece{literal, Literal})
		}
		if !found {
			break
		}
		p, n, err := read(rest)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, p)
		text = rest[n:]
	}
	return pieces, nil
}

// readName reads NAME or {NAME} at the start of text, and returns its length with the braces.
func readName(text string) (name string, n int, err error) {
	begin := 0
	if len(text) > 1 && text[0] == '{' {
		begin = 1
	}
	end := begin
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	name, n = text[begin:end], end
	if begin > 0 {
		if end == len(text) || text[end] != '}' {
			return "", 0, fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
		}
		n++
	}
	if name == "" {
		return "", 0, errName
	}
	return name, n, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
