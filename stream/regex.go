package stream

import "weir/internal/regex"

// A Regex is a regular expression of the configuration. The session keeps the captures: $1 to $9
// belong to its latest match, and named groups are variables. A Regex is immutable once compiled.
type Regex struct {
	re    *regex.Regexp
	vars  *VarTable
	names []namedGroup
}

// A namedGroup is a group of a Regex with the index of the variable that it sets.
type namedGroup struct{ group, index int }

// Regex compiles a regular expression and defines the variables of its named groups, as
// ngx_stream_regex_compile. fold ignores the case of letters. The error is nginx's sentence.
func (t *VarTable) Regex(pattern string, fold bool) (*Regex, error) {
	re, err := regex.Compile(pattern, fold)
	if err != nil {
		return nil, err
	}
	r := &Regex{re: re, vars: t}
	for _, n := range re.Names() {
		if err := t.Define(Variable{Name: n.Text, Changeable: true, Get: notFound}); err != nil {
			return nil, err
		}
		t.Computed(n.Text)
		r.names = append(r.names, namedGroup{n.Group, t.Index(n.Text)})
	}
	return r, nil
}

func notFound(*Session) (string, bool) { return "", false }

// matched contains the groups of the latest match, as pairs of offsets in text.
type matched struct {
	text   string
	places []int
}

var latest = NewKey[*matched]()

// Match reports whether text matches; if so, the session keeps the groups. Groups are not captured
// if the configuration does not use them.
func (r *Regex) Match(s *Session, text string) bool {
	if len(r.names) == 0 && !r.vars.UsesCaptures() {
		return r.re.Match(text)
	}
	places := r.re.Groups(text)
	if places == nil {
		return false
	}
	m := &matched{text, places}
	latest.Set(s, m)
	for _, n := range r.names {
		s.keep(n.index, m.group(n.group))
	}
	return true
}

// group returns the text of the n-th group; empty if it did not participate or does not exist.
func (m *matched) group(n int) string {
	if 2*n >= len(m.places) || m.places[2*n] < 0 {
		return ""
	}
	return m.text[m.places[2*n]:m.places[2*n+1]]
}

// capture returns the n-th group of the session's latest match.
func (s *Session) capture(n int) string {
	m, ok := latest.Get(s)
	if !ok {
		return ""
	}
	return m.group(n)
}
