package stream

// DefineWeak defines v unless a changeable variable has the name. That variable stays: a set
// assigns values to it, but does not define its default. The error is Define's.
func (t *VarTable) DefineWeak(v Variable) error {
	if t.Changeable(v.Name) {
		return nil
	}
	return t.Define(v)
}

// Assign gives the used variable with that index a value for the rest of the session, even if the
// variable is NoCache.
func (s *Session) Assign(index int, text string) { s.keep(index, text) }
