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

// captures are the groups of the latest match, as pairs of offsets in text.
type captures struct {
	text   string
	places []int
}

// Match reports whether text matches; if so, r keeps the groups. r may be nil.
func (re *Regex) Match(r *Request, text string) bool {
	if r == nil || len(re.names) == 0 && !re.vars.UsesCaptures() {
		return re.re.Match(text)
	}
	places := re.re.Groups(text)
	if places == nil {
		return false
	}
	r.captures = captures{text, places}
	for _, n := range re.names {
		r.SetValue(n.index, r.captures.group(n.group))
	}
	return true
}

// group returns the text of the n-th group; empty if it did not take part or does not exist.
func (c *captures) group(n int) string {
	if 2*n+1 >= len(c.places) || c.places[2*n] < 0 {
		return ""
	}
	return c.text[c.places[2*n]:c.places[2*n+1]]
}
