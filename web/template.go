package web

import (
	"strings"

	"weir/internal/variables"
)

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero Template is
// the empty string.
type Template struct {
	text   string
	pieces []variables.Piece // nil if there are no variables
}

// Literal returns a template without variables.
func Literal(text string) Template { return Template{text: text} }

// ParseTemplate compiles text against t by the rules of ngx_http_script_compile. The error is nginx's
// sentence.
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

// Eval returns the string for request r. A variable that is not found is empty.
func (t Template) Eval(r *Request) string {
	if t.pieces == nil {
		return t.text
	}
	var b strings.Builder
	for i := range t.pieces {
		b.WriteString(r.evalPiece(&t.pieces[i]))
	}
	return b.String()
}

// evalPiece returns the text of a piece.
func (r *Request) evalPiece(p *variables.Piece) string {
	switch {
	case p.Index == variables.Literal:
		return p.Text
	case p.Index < variables.Literal:
		return r.captures.Group(p.Group())
	}
	text, _ := r.Value(p.Index)
	return text
}

// EvalPath returns the string for request r, which names a file. It reports false if a client may have chosen
// another directory: a value contains a slash, or is "." or "..", or a zero byte.
func (t Template) EvalPath(r *Request) (path string, ok bool) {
	if t.pieces == nil {
		return t.text, true
	}
	var b strings.Builder
	ok = true
	for i := range t.pieces {
		p := &t.pieces[i]
		text := r.evalPiece(p)
		if p.Index != variables.Literal && (text == "." || text == ".." || strings.ContainsAny(text, "/\x00")) {
			ok = false
		}
		b.WriteString(text)
	}
	return b.String(), ok
}
