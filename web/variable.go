package web

import "weir/internal/variables"

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
	variables.Table[Variable]
	used []usedVariable // once resolved
}

type usedVariable struct {
	name string
	Variable
}

// NewVarTable returns a table with the variables of the core.
func NewVarTable() *VarTable {
	t := &VarTable{Table: variables.New[Variable]()}
	for _, v := range coreVariables() {
		if err := t.Define(v); err != nil {
			panic("web: " + err.Error())
		}
	}
	return t
}

// Define defines v. It fails with nginx's sentence if a variable that is not changeable has the name.
func (t *VarTable) Define(v Variable) error {
	return t.Add(v.Name, variables.Kind{Changeable: v.Changeable, IsPrefix: v.Bind != nil}, v)
}

// Resolve binds each used name to its variable, and returns the unknown names in the order of their first
// use.
func (t *VarTable) Resolve() (unknown []string) {
	t.used = make([]usedVariable, len(t.Used()))
	for i, name := range t.Used() {
		v, rest, found := t.Find(name)
		switch {
		case !found:
			unknown = append(unknown, name)
		case v.Bind != nil:
			v.Get = v.Bind(rest)
		}
		t.used[i] = usedVariable{name, v}
	}
	return unknown
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
