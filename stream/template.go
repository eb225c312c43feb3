package stream

import "weir/internal/variables"

// A Template is a compiled string with variables, such as "$a-${b}". It is immutable; the zero
// Template is the empty string.
type Template struct{ variables.Template }

// ParseTemplate compiles text against t by the rules of ngx_stream_script_compile. The error is nginx's sentence.
func ParseTemplate(text string, t *VarTable) (Template, error) {
	compiled, err := t.Template(text)
	return Template{compiled}, err
}

// Plain returns a template without variables.
func Plain(text string) Template { return Template{variables.Plain(text)} }

// Eval returns the string for session s. A variable that is not found is empty.
func (t Template) Eval(s *Session) string { return variables.Eval(t.Template, s) }
