package stream

import "weir/internal/regex"

// A Regex is a regular expression of a configuration. What its groups have matched is the session's: $1 to $9 are those of the
// session's latest match, and named ones are variables. It is immutable once compiled.
type Regex struct {
	re    *regex.Regexp
	vars  *VarTable
	names []namedGroup
}

// A namedGroup is a group of a Regex with the index of the variable that it sets.
type namedGroup struct{ group, index int }

// Regex compiles a regular expression and defines the variables that its groups name, as ngx_stream_regex_compile. With fold the
// case of letters is no matter. The error is nginx's sentence.
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

// matched is what the groups of the latest match are: pairs of places in text.
type matched struct {
	text   string
	places []int
}

var latest = NewKey[*matched]()

// Match reports whether text matches, and if so makes its groups the session's. Where the configuration has no use for groups none
// are looked for.
func (r *Regex) Match(s *Session, text string) bool {
	if len(r.names) == 0 && !r.vars.captures {
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

// group is what the n-th group has matched; empty if it took no part, or is none.
func (m *matched) group(n int) string {
	if 2*n >= len(m.places) || m.places[2*n] < 0 {
		return ""
	}
	return m.text[m.places[2*n]:m.places[2*n+1]]
}

// capture is the n-th group of the session's latest match.
func (s *Session) capture(n int) string {
	m, ok := latest.Get(s)
	if !ok {
		return ""
	}
	return m.group(n)
}
