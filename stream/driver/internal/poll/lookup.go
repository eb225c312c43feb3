package poll

import "weir/stream"

// A Lookup is the DNS lookup that a connection waits for in the step Resolve. The zero Lookup is
// inactive.
type Lookup struct {
	waiting stream.Lookup
	stop    func()
}

// Begin starts a lookup instead of the current one. The callback may be called from any goroutine,
// and during Begin.
func (w *Lookup) Begin(l stream.Lookup, answered func()) {
	w.End()
	w.waiting = l
	w.stop = l.Begin(answered)
}

// WaitsFor reports whether l is the current lookup.
func (w *Lookup) WaitsFor(l stream.Lookup) bool { return w.waiting == l }

// End releases the lookup. After it, the callback is not called any more.
func (w *Lookup) End() {
	if w.stop != nil {
		w.stop()
	}
	*w = Lookup{}
}
