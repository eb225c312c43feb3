package directives

import "weir/stream"

// unserved is the settings of a module that weir knows but does not serve yet: none.
type unserved struct{}

// absent makes variables that are never found. nginx does not find them either where nothing sets them: $ssl_cipher of a plain
// session, $geoip_city without a database.
func absent(names ...string) []stream.Variable {
	vars := make([]stream.Variable, len(names))
	for i, name := range names {
		vars[i] = stream.Variable{
			Name: name, Changeable: true, Get: func(*stream.Session) (string, bool) { return "", false },
		}
	}
	return vars
}
