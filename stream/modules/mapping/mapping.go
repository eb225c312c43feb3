// Package mapping makes variables whose values depend on other variables, by a list of texts, masks and regular expressions.
//
// See https://nginx.org/en/docs/stream/ngx_stream_map_module.html.
package mapping

import (
	"strings"

	"weir/stream"
)

// A Map is one map block, compiled. It is immutable.
type Map struct {
	source    stream.Template
	hostnames bool
	exact     table
	suffixes  table // of *.x and .x, by x
	prefixes  table // of x.*, by x
	regexes   []rule
	values    values
	fallback  value
}

// A rule is a regular expression with the value for what it matches.
type rule struct {
	re    *stream.Regex
	value value
}

// Literal reports whether no value has variables.
func (m *Map) Literal() bool { return len(m.values.templates) == 0 }

// Get is the value for session s, as ngx_stream_map_variable. It is found even where it is empty by default. It allocates nothing
// but what evaluating a source or a value with variables allocates, and what the groups of a regular expression are kept in.
func (m *Map) Get(s *stream.Session) (string, bool) {
	return m.values.eval(m.choose(s), s), true
}

// Template is what the value for session s is made of.
func (m *Map) Template(s *stream.Session) stream.Template {
	n := m.choose(s)
	if n != noValue && n&withVariables != 0 {
		return m.values.templates[n&^withVariables]
	}
	return stream.Plain(m.values.eval(n, s))
}

// choose is the number of the value for session s.
func (m *Map) choose(s *stream.Session) value {
	text := m.source.Eval(s)
	if m.hostnames {
		text = strings.TrimSuffix(text, ".")
	}
	return m.find(s, text)
}

// find looks in nginx's order: the text itself, the longest mask at its beginning, the longest at its end, the regular expressions in
// the order of the file. An empty text matches nothing but itself.
func (m *Map) find(s *stream.Session, text string) value {
	if v, ok := m.exact.find(text); ok {
		return v
	}
	if text == "" {
		return m.fallback
	}
	if v, ok := m.suffix(text); ok {
		return v
	}
	if v, ok := m.prefix(text); ok {
		return v
	}
	for i := range m.regexes {
		if m.regexes[i].re.Match(s, text) {
			return m.regexes[i].value
		}
	}
	return m.fallback
}

// suffix finds the longest of the masks *.x. No more labels are looked at than the masks have, however many a client sends.
func (m *Map) suffix(text string) (longest value, found bool) {
	i := len(text)
	for range m.suffixes.labels {
		if i = strings.LastIndexByte(text[:i], '.'); i < 0 {
			break
		}
		if v, ok := m.suffixes.find(text[i+1:]); ok {
			longest, found = v, true
		}
	}
	return longest, found
}

// prefix finds the longest of the masks x.*.
func (m *Map) prefix(text string) (longest value, found bool) {
	end := 0
	for range m.prefixes.labels {
		n := strings.IndexByte(text[end:], '.')
		if n < 0 {
			break
		}
		if v, ok := m.prefixes.find(text[:end+n]); ok {
			longest, found = v, true
		}
		end += n + 1
	}
	return longest, found
}
