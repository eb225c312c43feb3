// Package set assigns values to variables before the access phase.
package set

import "weir/stream"

// A Handler runs the set directives of a server in order, in the phase before access. It evaluates
// variables at that time: those of a later preread are still empty.
//
// See https://nginx.org/en/docs/stream/ngx_stream_set_module.html.
type Handler []Assignment

// An Assignment is one set directive.
type Assignment struct {
	Index int // of the variable
	Value stream.Template
}

// Handle makes the assignments, and passes the session to the next handler.
func (h Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	for _, a := range h {
		s.Assign(a.Index, a.Value.Eval(s))
	}
	return stream.Next, nil
}

// Variable returns a variable that only set assigns: found, and empty until then.
func Variable(name string) stream.Variable {
	return stream.Variable{Name: name, Changeable: true, Configured: true, Get: func(*stream.Session) (string, bool) { return "", true }}
}
