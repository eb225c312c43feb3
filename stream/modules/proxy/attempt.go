package proxy

import (
	"sync"

	"weir/stream"
	"weir/stream/upstream"
)

// An attempt is the state that a session needs only until it is connected: the target, and the
// first bytes to write.
type attempt struct {
	target stream.Target
	out    []byte // the PROXY header, if one is sent, and the bytes read from the client
	header int    // length of the PROXY header
	group  *upstream.Group
	again  shortage
	queue  waiting
	shake  handshake
}

var attempts = sync.Pool{New: func() any { return new(attempt) }}

// keptOut is the maximum capacity of out that is reused. A CONNECT with its header fits; one with a
// long will is rare.
const keptOut = 1 << 10

// newAttempt returns the attempt of s, without a target. It takes over the session's first bytes.
func newAttempt(p Protocol, s *stream.Session) *attempt {
	a := attempts.Get().(*attempt)
	a.out = p.appendHeader(a.out[:0], s)
	a.header = len(a.out)
	a.out = append(a.out, s.Head...)
	s.KeepHead(a.out[a.header:])
	return a
}

// recycle makes a available for reuse. Call it only when the driver no longer uses a.
func (a *attempt) recycle() {
	if cap(a.out) > keptOut {
		a.out = nil
	}
	a.target, a.group, a.again, a.queue, a.shake = stream.Target{}, nil, shortage{}, waiting{}, handshake{}
	attempts.Put(a)
}
