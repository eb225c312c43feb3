package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Variable is a variable of the http block.
type Variable struct {
	Name       string // without the dollar sign; with Bind the prefix of the names
	Changeable bool   // other modules may define it again
	NoCache    bool   // evaluated at each use
	Get        func(*Request) (text string, found bool)
	// Bind returns the Get of a variable whose name begins with Name.
	Bind func(rest string) func(*Request) (string, bool)
}

// A VarTable contains the variables of a configuration. It is filled while compiling and read-only
// afterwards.
type VarTable struct {
	defined  map[string]*Variable
	prefixes []*Variable
	index    map[string]int
	used     []usedVariable
	captures bool // a template uses $1 to $9
}

type usedVariable struct {
	name string
	Variable
}

// NewVarTable returns a table with the variables of the core.
func NewVarTable() *VarTable {
	t := &VarTable{defined: map[string]*Variable{}, index: map[string]int{}}
	for _, v := range coreVariables() {
		t.add(&v)
	}
	return t
}

func (t *VarTable) add(v *Variable) {
	if v.Bind != nil {
		t.prefixes = append(t.prefixes, v)
		return
	}
	t.defined[strings.ToLower(v.Name)] = v
}

// Define defines v. It fails with nginx's sentence if a variable that is not changeable has the name.
func (t *VarTable) Define(v Variable) error {
	if old := t.defined[strings.ToLower(v.Name)]; old != nil && !old.Changeable {
		return fmt.Errorf("the duplicate \"%s\" variable", v.Name)
	}
	t.add(&v)
	return nil
}

// Changeable reports whether a variable of exactly that name is defined and may be given another value.
func (t *VarTable) Changeable(name string) bool {
	v := t.defined[strings.ToLower(name)]
	return v != nil && v.Changeable
}

// Names lists the defined variables in alphabetical order, without prefixes.
func (t *VarTable) Names() []string { return slices.Sorted(maps.Keys(t.defined)) }

// Index returns the number under which requests keep the variable of that name, whether or not it exists
// yet.
func (t *VarTable) Index(name string) int {
	name = strings.ToLower(name)
	if i, ok := t.index[name]; ok {
		return i
	}
	t.index[name] = len(t.used)
	t.used = append(t.used, usedVariable{name: name})
	return len(t.used) - 1
}

// Resolve binds each used name to its variable, and returns the unknown names in the order of their first
// use.
func (t *VarTable) Resolve() (unknown []string) {
	for i := range t.used {
		u := &t.used[i]
		if v := t.defined[u.name]; v != nil {
			u.Variable = *v
		} else if !t.bindPrefix(u) {
			unknown = append(unknown, u.name)
		}
	}
	return unknown
}

// bindPrefix binds u to the variable with the longest prefix of its name.
func (t *VarTable) bindPrefix(u *usedVariable) bool {
	var best *Variable
	for _, v := range t.prefixes {
		if strings.HasPrefix(u.name, v.Name) && (best == nil || len(v.Name) > len(best.Name)) {
			best = v
		}
	}
	if best == nil {
		return false
	}
	u.Variable = *best
	u.Get = best.Bind(u.name[len(best.Name):])
	return true
}

// kept is the value of a variable that a request keeps.
type kept struct {
	text         string
	found, known bool
}

// maxDepth limits the nesting of variables.
const maxDepth = 100

// Value returns the value of the used variable with that index, and whether it was found. It is evaluated
// at its first use and kept, unless it is NoCache.
func (r *Request) Value(index int) (string, bool) {
	vars := r.listen.Config.Vars
	if r.values == nil {
		r.values = make([]kept, len(vars.used))
	}
	if v := r.values[index]; v.known {
		return v.text, v.found
	}
	u := &vars.used[index]
	if r.depth >= maxDepth {
		r.LogError("cycle while evaluating variable \"" + u.name + "\"")
		return "", false
	}
	r.depth++
	text, ok := u.Get(r)
	r.depth--
	if !u.NoCache {
		r.values[index] = kept{text, ok, true}
	}
	return text, ok
}

// SetValue gives the used variable with that index a value, as set does.
func (r *Request) SetValue(index int, text string) {
	if r.values == nil {
		r.values = make([]kept, len(r.listen.Config.Vars.used))
	}
	r.values[index] = kept{text, true, true}
}
