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

var latest = NewKey[*regex.Captures]()

// Match reports whether text matches; if so, the session keeps the groups. Groups are not captured
// if the configuration does not use them.
func (r *Regex) Match(s *Session, text string) bool {
	if len(r.names) == 0 && !r.vars.UsesCaptures() {
		return r.re.Match(text)
	}
	groups, ok := r.re.Capture(text)
	if !ok {
		return false
	}
	latest.Set(s, new(groups))
	for _, n := range r.names {
		s.keep(n.index, groups.Group(n.group))
	}
	return true
}

// Capture returns the n-th group of the session's latest match.
func (s *Session) Capture(n int) string {
	groups, ok := latest.Get(s)
	if !ok {
		return ""
	}
	return groups.Group(n)
}
