package stream

import "sync/atomic"

// A Key identifies a module's private value in every session: var connect =
// stream.NewKey[*mqtt.Connect]().
type Key[T any] struct {
	index int32
}

type keyed struct {
	index int32
	value any
}

var keys atomic.Int32

// usualKeys is the usual number of modules that keep a value in a session: a preread and the proxy.
const usualKeys = 2

// NewKey returns a new unique key. Call it once, for a package variable.
func NewKey[T any]() Key[T] { return Key[T]{index: keys.Add(1)} }

// Get returns the value that Set stored, and whether there is one.
func (k Key[T]) Get(s *Session) (T, bool) {
	for i := range s.state {
		if s.state[i].index == k.index {
			return s.state[i].value.(T), true
		}
	}
	var zero T
	return zero, false
}

// Set stores v in the session until it ends or Set is called again.
func (k Key[T]) Set(s *Session, v T) {
	for i := range s.state {
		if s.state[i].index == k.index {
			s.state[i].value = v
			return
		}
	}
	if s.state == nil {
		s.state = make([]keyed, 0, usualKeys)
	}
	s.state = append(s.state, keyed{k.index, v})
}
