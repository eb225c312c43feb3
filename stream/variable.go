package stream

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Variable is a value of a session that the configuration can name as $Name.
//
// See https://nginx.org/en/docs/varindex.html and, for what is kept, Session.Value.
type Variable struct {
	Name string
	// Get evaluates the variable; false: not found.
	Get func(*Session) (string, bool)
	// Append is Get for a log line: it appends to dst without a string in between. Optional.
	Append func(s *Session, dst []byte) ([]byte, bool)
	// Bind makes Name a prefix: for "proxy_protocol_tlv_" and the use $proxy_protocol_tlv_alpn it is called with "alpn", once,
	// while compiling.
	Bind func(suffix string) func(*Session) (string, bool)
	// Fixed says that the value, once found, stays what it is without being kept.
	Fixed bool
	// Preread says that a preread handler finds the value. While it is not found and the preread phase is not over, neither that nor what
	// is made of it is kept.
	Preread bool
	// NoCache says that the value is evaluated at each use instead of once for the session.
	NoCache bool
	// Configured says that every value is written in the configuration: no client can choose its text.
	Configured bool
	// Template returns what the value for a session is made of, so that its parts can be told from what a client has chosen. Optional.
	Template func(*Session) Template
	// Changeable says that a map, geo or set may take the name.
	Changeable bool
}

// A VarTable holds the variables of one configuration: those that exist, by name, and those that are used, by index. It is
// filled while compiling, by one goroutine; after Resolve it is read only.
type VarTable struct {
	defined  map[string]*Variable
	prefixes []*Variable
	index    map[string]int
	used     []usedVariable
	captures bool // some template has $1 and its like
	// computed are the names, in lower case, that get values which are not written in the configuration, whatever Configured says.
	computed map[string]bool
}

type usedVariable struct {
	name     string
	computed bool // a set or a group of a regular expression gives it values
	Variable
}

// NewVarTable returns a table in which the variables of package stream are defined.
func NewVarTable() *VarTable {
	t := &VarTable{defined: map[string]*Variable{}, index: map[string]int{}, computed: map[string]bool{}}
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

// Define makes v exist. It fails with nginx's sentence when the name is taken by one that is not changeable.
func (t *VarTable) Define(v Variable) error {
	if old := t.defined[strings.ToLower(v.Name)]; old != nil && !old.Changeable {
		return fmt.Errorf("the duplicate \"%s\" variable", v.Name)
	}
	t.add(&v)
	return nil
}

// Replace gives a name its meaning anew, changeable or not. It is for the module that has defined it.
func (t *VarTable) Replace(v Variable) { t.add(&v) }

// Computed notes that the variable of that name also gets values that are not written in the configuration.
func (t *VarTable) Computed(name string) { t.computed[strings.ToLower(name)] = true }

// Names lists the variables that are defined, in alphabetical order, without those that are prefixes.
func (t *VarTable) Names() []string { return slices.Sorted(maps.Keys(t.defined)) }

// Index returns the number under which sessions keep the variable of that name, whether or not it exists yet.
func (t *VarTable) Index(name string) int {
	name = strings.ToLower(name)
	if i, ok := t.index[name]; ok {
		return i
	}
	i := len(t.used)
	t.index[name] = i
	t.used = append(t.used, usedVariable{name: name})
	return i
}

// Uses reports whether the configuration uses the variable of that name.
func (t *VarTable) Uses(name string) bool {
	_, ok := t.index[strings.ToLower(name)]
	return ok
}

// Resolve binds each used name to its variable: the one of exactly that name, else the one with the longest prefix. It returns
// the names that mean nothing, in the order of their first use.
func (t *VarTable) Resolve() (unknown []string) {
	for i := range t.used {
		u := &t.used[i]
		if v := t.defined[u.name]; v != nil {
			u.Variable = *v
			u.computed = t.computed[u.name]
			u.Configured = v.Configured && !u.computed
			continue
		}
		if !t.bindPrefix(u) {
			unknown = append(unknown, u.name)
		}
	}
	return unknown
}

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

// kept is what a session remembers of one variable.
type kept struct {
	text  string
	index int32
	found bool
}

// maxDepth bounds how deep variables may be built on variables (ngx_stream_variable_depth).
const maxDepth = 100

// Value returns the value of the used variable with that index, and whether it was found. A variable is evaluated when it is first
// asked for and kept for the session, unless it is NoCache, or found and Fixed, or may still be found by a preread.
func (s *Session) Value(index int) (string, bool) {
	if v := s.kept(index); v != nil {
		return v.text, v.found
	}
	u := &s.Listen.Config.Vars.used[index]
	if s.depth >= maxDepth {
		s.Log(LevelError, "cycle while evaluating variable \""+u.name+"\"", nil)
		return "", false
	}
	text, ok, final := s.evaluate(u)
	if final && !u.NoCache && !(u.Fixed && ok) {
		s.remember(kept{text, int32(index), ok})
	}
	return text, ok
}

// evaluate evaluates a variable that is not kept. A value that is not final has been made without what a preread may still find.
func (s *Session) evaluate(u *usedVariable) (text string, ok, final bool) {
	outer := s.tentative
	s.tentative = false
	s.depth++
	text, ok = u.Get(s)
	s.depth--
	s.notePreread(u, ok)
	final = !s.tentative
	s.tentative = s.tentative || outer
	return text, ok, final
}

// notePreread marks what is being evaluated as tentative if u may still be found by a preread.
func (s *Session) notePreread(u *usedVariable, found bool) {
	if u.Preread && !found && s.phase < NumPhases {
		s.tentative = true
	}
}

// keep lets a session remember a value, whatever it was before.
func (s *Session) keep(index int, text string) {
	if v := s.kept(index); v != nil {
		v.text, v.found = text, true
		return
	}
	s.remember(kept{text, int32(index), true})
}

// AppendValue appends the value of the used variable with that index to dst, and reports whether it was found.
func (s *Session) AppendValue(dst []byte, index int) ([]byte, bool) {
	u := &s.Listen.Config.Vars.used[index]
	if u.Append != nil && s.kept(index) == nil {
		dst, ok := u.Append(s, dst)
		s.notePreread(u, ok)
		return dst, ok
	}
	text, ok := s.Value(index)
	return append(dst, text...), ok
}

// remember keeps a value. The first one, which for most sessions is the only one, lies beside the list itself.
func (s *Session) remember(v kept) {
	if s.vars == nil {
		first := new(struct {
			list []kept
			room [1]kept
		})
		first.list = first.room[:0]
		s.vars = &first.list
	}
	*s.vars = append(*s.vars, v)
}

// kept looks among the few values that a session has evaluated.
func (s *Session) kept(index int) *kept {
	if s.vars == nil {
		return nil
	}
	for i := range *s.vars {
		if v := &(*s.vars)[i]; v.index == int32(index) {
			return v
		}
	}
	return nil
}
