package stream

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero
// Template is the empty string.
type Template struct {
	text   string // the whole string if it has no variables
	pieces []piece
}

// A piece is a literal, a variable if index is not negative, or a capture: noVariable minus the
// number of the group.
type piece struct {
	text  string
	index int
}

// noVariable marks a literal piece.
const noVariable = -1

// eval returns the text of the piece for session s.
func (p *piece) eval(s *Session) string {
	switch {
	case p.index == noVariable:
		return p.text
	case p.index < noVariable:
		return s.capture(noVariable - p.index)
	}
	text, _ := s.Value(p.index)
	return text
}

// evaluations contains buffers for templates of several pieces; buffers that grow beyond
// maxEvaluation are dropped.
var evaluations = sync.Pool{New: func() any { return new([]byte) }}

const maxEvaluation = 4096

var errVariableName = errors.New("invalid variable name")

// ParseTemplate compiles text against t by the rules of ngx_stream_script_compile. The error is nginx's sentence.
func ParseTemplate(text string, t *VarTable) (Template, error) {
	tpl := Template{text: text}
	for rest := text; rest != ""; {
		i := strings.IndexByte(rest, '$')
		if i != 0 {
			literal := rest
			if i > 0 {
				literal = rest[:i]
			}
			tpl.pieces = append(tpl.pieces, piece{literal, noVariable})
			rest = rest[len(literal):]
			continue
		}
		name, n, err := variableName(rest[1:])
		if err != nil {
			return Template{}, err
		}
		tpl.pieces = append(tpl.pieces, variablePiece(name, n, t))
		rest = rest[1+n:]
	}
	if !tpl.HasVariables() {
		tpl.pieces = nil
	}
	return tpl, nil
}

// variablePiece returns a variable, or a group of the latest regular expression match. A digit in
// braces, where name is shorter than n bytes, is not a capture.
func variablePiece(name string, n int, t *VarTable) piece {
	if n == 1 && isCapture(name[0]) {
		t.captures = true
		return piece{"", noVariable - int(name[0]-'0')}
	}
	return piece{"", t.Index(name)}
}

func isCapture(c byte) bool { return '1' <= c && c <= '9' }

// variableName reads the name at the start of s, after the dollar sign, and returns how many bytes
// it took, including braces.
func variableName(s string) (name string, n int, err error) {
	if s == "" {
		return "", 0, errVariableName
	}
	if isCapture(s[0]) {
		return s[:1], 1, nil
	}
	if s[0] == '{' {
		return bracedName(s)
	}
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	if n == 0 {
		return "", 0, errVariableName
	}
	return s[:n], n, nil
}

func bracedName(s string) (name string, n int, err error) {
	if len(s) == 1 {
		return "", 0, errVariableName
	}
	n = 1
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	name = s[1:n]
	if n == len(s) || s[n] != '}' {
		return "", 0, fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
	}
	if name == "" {
		return "", 0, errVariableName
	}
	return name, n + 1, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// HasVariables reports whether the template has variables or captures.
func (t Template) HasVariables() bool {
	for _, p := range t.pieces {
		if p.index != noVariable {
			return true
		}
	}
	return false
}

// Text returns the source text of the template.
func (t Template) Text() string { return t.text }

// Eval returns the string for session s. A variable that is not found is empty.
func (t Template) Eval(s *Session) string {
	if t.pieces == nil {
		return t.text
	}
	if len(t.pieces) == 1 {
		return t.pieces[0].eval(s)
	}
	room := evaluations.Get().(*[]byte)
	b := (*room)[:0]
	for i := range t.pieces {
		b = append(b, t.pieces[i].eval(s)...)
	}
	text := string(b)
	if cap(b) <= maxEvaluation {
		*room = b
		evaluations.Put(room)
	}
	return text
}
