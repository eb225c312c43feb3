// Package set gives values to variables before a session is judged.
package set

import "weir/stream"

// A Handler runs the set directives of a server in their order, in the phase before access. A value is made of variables as they
// are then: what a preread finds out later is still empty.
//
// See https://nginx.org/en/docs/stream/ngx_stream_set_module.html.
type Handler []Assignment

// An Assignment is one set directive.
type Assignment struct {
	Index int // of the variable
	Value stream.Template
}

// Handle makes the assignments, and leaves the session to the next handler.
func (h Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	for _, a := range h {
		s.Assign(a.Index, a.Value.Eval(s))
	}
	return stream.Next, nil
}

// Variable is what a name is that only a set gives a value: found, and empty until then.
func Variable(name string) stream.Variable {
	return stream.Variable{Name: name, Changeable: true, Configured: true, Get: func(*stream.Session) (string, bool) { return "", true }}
}
