package directives

import "weir/stream"

// unserved is the settings of a module that weir knows but does not serve yet: none.
type unserved struct{}

// absent makes variables that are never found, as $ssl_cipher is not in a plain session. Others may be defined by their names if they
// are changeable.
func absent(changeable bool, names ...string) []stream.Variable {
	vars := make([]stream.Variable, len(names))
	for i, name := range names {
		vars[i] = stream.Variable{
			Name: name, Changeable: changeable, Get: func(*stream.Session) (string, bool) { return "", false },
		}
	}
	return vars
}
