package web

import (
	"strings"

	"weir/internal/variables"
)

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero Template is
// the empty string.
type Template struct{ variables.Template }

// Literal returns a template without variables.
func Literal(text string) Template { return Template{variables.Plain(text)} }

// ParseTemplate compiles text against t by the rules of ngx_http_script_compile. The error is nginx's
// sentence.
func ParseTemplate(text string, t *VarTable) (Template, error) {
	compiled, err := t.Template(text)
	return Template{compiled}, err
}

// Eval returns the string for request r. A variable that is not found is empty.
func (t Template) Eval(r *Request) string { return variables.Eval(t.Template, r) }

// EvalPath returns the string for request r, which names a file. It reports false if a client may have chosen
// another directory: a value contains a slash, or is "." or "..", or a zero byte.
func (t Template) EvalPath(r *Request) (path string, ok bool) {
	if !t.HasVariables() {
		return t.Text(), true
	}
	var b strings.Builder
	ok = true
	pieces := t.Pieces()
	for i := range pieces {
		p := &pieces[i]
		text := variables.EvalPiece(p, r)
		if p.Index != variables.Literal && (text == "." || text == ".." || strings.ContainsAny(text, "/\x00")) {
			ok = false
		}
		b.WriteString(text)
	}
	return b.String(), ok
}
