package stream

import (
	"strings"

	"weir/internal/variables"
)

// A Variable is a value of a session that the configuration can refer to as $Name.
//
// See https://nginx.org/en/docs/varindex.html and, for caching, Session.Value.
type Variable struct {
	Name string
	// Get evaluates the variable; false means not found.
	Get func(*Session) (string, bool)
	// Append is Get for a log line: it appends to dst without an intermediate string. Optional.
	Append func(s *Session, dst []byte) ([]byte, bool)
	// Bind makes Name a prefix: for "proxy_protocol_tlv_" and the use $proxy_protocol_tlv_alpn it
	// is called with "alpn", once, while compiling.
	Bind func(suffix string) func(*Session) (string, bool)
	// Fixed means that the value, once found, does not change even without caching.
	Fixed bool
	// Preread means that a preread handler finds the value. Until it is found or the preread phase
	// is over, neither the value nor anything derived from it is cached.
	Preread bool
	// NoCache means that the value is evaluated at each use instead of once per session.
	NoCache bool
	// Configured means that every value is written in the configuration: no client can choose its
	// text.
	Configured bool
	// Template returns the template of the value for a session, so that its parts can be
	// distinguished from text that a client chose. Optional.
	Template func(*Session) Template
	// Changeable means that a map, geo or set may redefine the name.
	Changeable bool
}

// A VarTable contains the variables of one configuration: the defined ones by name, and the used
// ones by index. It is filled while compiling, by one goroutine; after Resolve it is read-only.
type VarTable struct {
	variables.Table[Variable]
	used []usedVariable // once resolved
	// computed contains the names, in lower case, that also get values not written in the
	// configuration, regardless of Configured.
	computed map[string]bool
}

type usedVariable struct {
	name     string
	computed bool // a set or a group of a regular expression assigns values to it
	Variable
}

// NewVarTable returns a table with the variables of package stream.
func NewVarTable() *VarTable {
	t := &VarTable{Table: variables.New[Variable](), computed: map[string]bool{}}
	for _, v := range coreVariables() {
		t.Replace(v)
	}
	return t
}

// Define defines v. It fails with nginx's sentence if a variable that is not changeable has the
// name.
func (t *VarTable) Define(v Variable) error { return t.Add(v.Name, v.kind(), v) }

// Replace redefines a name, changeable or not. Only the module that defined it may call Replace.
func (t *VarTable) Replace(v Variable) { t.Set(v.Name, v.kind(), v) }

func (v *Variable) kind() variables.Kind {
	return variables.Kind{Changeable: v.Changeable, IsPrefix: v.Bind != nil}
}

// Computed records that the variable of that name also gets values that are not written in the
// configuration.
func (t *VarTable) Computed(name string) { t.computed[strings.ToLower(name)] = true }

// Resolve binds each used name to its variable: the one with exactly that name, otherwise the one
// with the longest matching prefix. It returns the unknown names in the order of their first use.
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
		computed := t.computed[name]
		v.Configured = v.Configured && !computed
		t.used[i] = usedVariable{name, computed, v}
	}
	return unknown
}

// kept is the cached value of one variable.
type kept struct {
	text  string
	index int32
	found bool
}

// maxDepth limits the nesting of variables (ngx_stream_variable_depth).
const maxDepth = 100

// Value returns the value of the used variable with that index, and whether it was found. A
// variable is evaluated at its first use and kept for the session, unless it is NoCache, or found
// and Fixed, or a preread may still find it.
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

// evaluate evaluates a variable that is not kept. A value that is not final may lack data that a
// preread may still find.
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

// notePreread marks the current evaluation as tentative if a preread may still find u.
func (s *Session) notePreread(u *usedVariable, found bool) {
	if u.Preread && !found && s.phase < NumPhases {
		s.tentative = true
	}
}

// keep stores a value in the session and replaces an earlier one.
func (s *Session) keep(index int, text string) {
	if v := s.kept(index); v != nil {
		v.text, v.found = text, true
		return
	}
	s.remember(kept{text, int32(index), true})
}

// AppendValue appends the value of the used variable with that index to dst, and reports
// whether it was found.
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

// remember stores a value. The first one, the only one in most sessions, is allocated together with
// the list.
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

// kept searches the values that the session has kept.
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
