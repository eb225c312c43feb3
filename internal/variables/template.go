package variables

import "sync"

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero Template is the
// empty string.
type Template struct {
	text   string
	pieces []Piece // nil if there are no variables
}

// Plain returns a template without variables.
func Plain(text string) Template { return Template{text: text} }

// Template compiles a string. The error is nginx's sentence.
func (t *Table[V]) Template(text string) (Template, error) {
	pieces, err := t.divideText(text)
	if err != nil {
		return Template{}, err
	}
	return Template{text, pieces}, nil
}

// HasVariables reports whether the template has variables or captures.
func (t Template) HasVariables() bool { return t.pieces != nil }

// Text returns the source text of the template.
func (t Template) Text() string { return t.text }

// Pieces returns the pieces of a template that has variables.
func (t Template) Pieces() []Piece { return t.pieces }

// A Source has values for templates: a session or a request.
type Source interface {
	// Value returns the value of the used variable with that index, and whether it was found.
	Value(index int) (string, bool)
	// Capture returns a group of the latest match of a regular expression.
	Capture(group int) string
}

// buffers are for templates of several pieces; buffers that grow beyond maxBuffer are dropped.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const maxBuffer = 4096

// Eval returns the string for s. A variable that is not found is empty.
func Eval[S Source](t Template, s S) string {
	if t.pieces == nil {
		return t.text
	}
	if len(t.pieces) == 1 {
		return EvalPiece(&t.pieces[0], s)
	}
	room := buffers.Get().(*[]byte)
	b := (*room)[:0]
	for i := range t.pieces {
		b = append(b, EvalPiece(&t.pieces[i], s)...)
	}
	text := string(b)
	if cap(b) <= maxBuffer {
		*room = b
		buffers.Put(room)
	}
	return text
}

// EvalPiece returns the text of a piece for s.
func EvalPiece[S Source](p *Piece, s S) string {
	switch {
	case p.Index == Literal:
		return p.Text
	case p.Index < Literal:
		return s.Capture(p.Group())
	}
	text, _ := s.Value(p.Index)
	return text
}
