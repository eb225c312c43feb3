// Package keyval provides variables whose values are in a database of key-value pairs.
//
// See https://nginx.org/en/docs/stream/ngx_stream_keyval_module.html.
package keyval

import "weir/stream"

// A Variable looks its value up in a zone. It is immutable once in use.
type Variable struct {
	Key  stream.Template
	Zone *Zone
}

// Get returns the value of the record that matches the key at this moment, or an empty string.
func (v *Variable) Get(s *stream.Session) (string, bool) {
	value, _ := v.Zone.Store.Lookup(v.Key.Eval(s))
	return value, true
}
