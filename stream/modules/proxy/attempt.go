package proxy

import (
	"sync"

	"weir/stream"
	"weir/stream/upstream"
)

// An attempt is what a session needs to connect, and only until it is connected: where to, and what to write first.
type attempt struct {
	target stream.Target
	out    []byte // the PROXY header, if one is to be sent, and what was read from the client
	group  *upstream.Group
	again  shortage
}

var attempts = sync.Pool{New: func() any { return new(attempt) }}

// keptOut is the longest out that an attempt keeps room for. A CONNECT with its header fits; one with a long will is rare.
const keptOut = 1 << 10

// newAttempt returns the attempt of s, without a target. The session's first bytes are in it from here on.
func newAttempt(p Protocol, s *stream.Session) *attempt {
	a := attempts.Get().(*attempt)
	a.out = p.appendHeader(a.out[:0], s)
	n := len(a.out)
	a.out = append(a.out, s.Head...)
	s.KeepHead(a.out[n:])
	return a
}

// recycle ends the use of a. It is to be called only when the driver is known to have done with it.
func (a *attempt) recycle() {
	if cap(a.out) > keptOut {
		a.out = nil
	}
	a.target, a.group, a.again = stream.Target{}, nil, shortage{}
	attempts.Put(a)
}
