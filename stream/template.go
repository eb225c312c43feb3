package stream

import (
	"sync"

	"weir/internal/variables"
)

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero
// Template is the empty string.
type Template struct {
	text   string // the whole string if it has no variables
	pieces []variables.Piece
}

// evalPiece returns the text of a piece.
func (s *Session) evalPiece(p *variables.Piece) string {
	switch {
	case p.Index == variables.Literal:
		return p.Text
	case p.Index < variables.Literal:
		return s.capture(p.Group())
	}
	text, _ := s.Value(p.Index)
	return text
}

// evaluations contains buffers for templates of several pieces; buffers that grow beyond
// maxEvaluation are dropped.
var evaluations = sync.Pool{New: func() any { return new([]byte) }}

const maxEvaluation = 4096

// ParseTemplate compiles text against t by the rules of ngx_stream_script_compile. The error is nginx's sentence.
func ParseTemplate(text string, t *VarTable) (Template, error) {
	pieces, err := t.Pieces(text)
	if err != nil {
		return Template{}, err
	}
	return Template{text, pieces}, nil
}

// HasVariables reports whether the template has variables or captures.
func (t Template) HasVariables() bool { return t.pieces != nil }

// Text returns the source text of the template.
func (t Template) Text() string { return t.text }

// Eval returns the string for session s. A variable that is not found is empty.
func (t Template) Eval(s *Session) string {
	if t.pieces == nil {
		return t.text
	}
	if len(t.pieces) == 1 {
		return s.evalPiece(&t.pieces[0])
	}
	room := evaluations.Get().(*[]byte)
	b := (*room)[:0]
	for i := range t.pieces {
		b = append(b, s.evalPiece(&t.pieces[i])...)
	}
	text := string(b)
	if cap(b) <= maxEvaluation {
		*room = b
		evaluations.Put(room)
	}
	return text
}
