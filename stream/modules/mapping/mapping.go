// Package mapping provides variables whose values depend on other variables, through a list of
// texts, masks and regular expressions.
//
// See https://nginx.org/en/docs/stream/ngx_stream_map_module.html.
package mapping

import (
	"strings"

	"weir/internal/hostname"
	"weir/stream"
)

// A Map is a compiled map block. It is immutable.
type Map struct {
	source    stream.Template
	hostnames bool
	keys      hostname.Table
	regexes   []rule
	values    values
	fallback  value
}

// A rule is a regular expression and the value for a match.
type rule struct {
	re    *stream.Regex
	value value
}

// Literal reports whether no value contains variables.
func (m *Map) Literal() bool { return len(m.values.templates) == 0 }

// Get returns the value for session s, as ngx_stream_map_variable. It is found even if it is empty
// by default. It allocates only to evaluate a source or a value with variables and to store the
// groups of a regular expression.
func (m *Map) Get(s *stream.Session) (string, bool) {
	return m.values.eval(m.choose(s), s), true
}

// Template returns the template of the value for session s.
func (m *Map) Template(s *stream.Session) stream.Template {
	n := m.choose(s)
	if n != noValue && n&withVariables != 0 {
		return m.values.templates[n&^withVariables]
	}
	return stream.Plain(m.values.eval(n, s))
}

// choose returns the number of the value for session s.
func (m *Map) choose(s *stream.Session) value {
	text := m.source.Eval(s)
	if m.hostnames {
		text = strings.TrimSuffix(text, ".")
	}
	return m.find(s, text)
}

// find searches in nginx's order: the exact text, the longest mask *.x, the longest mask x.*, the
// regular expressions in file order. An empty text matches only itself.
func (m *Map) find(s *stream.Session, text string) value {
	if n, ok := m.keys.Find(text); ok {
		return value(n)
	}
	if text == "" {
		return m.fallback
	}
	for i := range m.regexes {
		if m.regexes[i].re.Match(s, text) {
			return m.regexes[i].value
		}
	}
	return m.fallback
}
