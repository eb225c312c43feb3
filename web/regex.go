package web

import "weir/internal/regex"

// A Regex is a regular expression of the configuration. The request keeps the captures: $1 to $9 belong to
// its latest match, and named groups are variables. A Regex is immutable once compiled.
type Regex struct {
	re    *regex.Regexp
	vars  *VarTable
	names []namedGroup
}

type namedGroup struct{ group, index int }

// Regex compiles a regular expression and defines the variables of its named groups. fold ignores the case
// of letters. The error is nginx's sentence.
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
		r.names = append(r.names, namedGroup{n.Group, t.Index(n.Text)})
	}
	return r, nil
}

func notFound(*Request) (string, bool) { return "", false }

// Match reports whether text matches; if so, r keeps the groups. r may be nil.
func (re *Regex) Match(r *Request, text string) bool {
	if r == nil || len(re.names) == 0 && !re.vars.UsesCaptures() {
		return re.re.Match(text)
	}
	groups, ok := re.re.Capture(text)
	if !ok {
		return false
	}
	r.captures = groups
	for _, n := range re.names {
		r.SetValue(n.index, groups.Group(n.group))
	}
	return true
}

// Capture returns the n-th group of the latest match.
func (r *Request) Capture(n int) string { return r.captures.Group(n) }
