package stream

import "strings"

// DefineWeak makes v exist unless its name is taken by a changeable variable, which stays what it is: a set gives values to it, but
// does not say what it is without one. The error is Define's.
func (t *VarTable) DefineWeak(v Variable) error {
	if old := t.defined[strings.ToLower(v.Name)]; old != nil && old.Changeable {
		return nil
	}
	return t.Define(v)
}

// Assign gives the used variable with that index a value for the rest of the session, also where it is NoCache.
func (s *Session) Assign(index int, text string) { s.keep(index, text) }
