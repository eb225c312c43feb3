package directives

import "weir/stream"

// absent makes variables that are never found, as $ssl_cipher is in a plain session. If they are
// changeable, other modules may define variables of these names.
func absent(changeable bool, names ...string) []stream.Variable {
	vars := make([]stream.Variable, len(names))
	for i, name := range names {
		vars[i] = stream.Variable{
			Name: name, Changeable: changeable, Get: func(*stream.Session) (string, bool) { return "", false },
		}
	}
	return vars
}
