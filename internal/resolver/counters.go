package resolver

import (
	"errors"
	"sync/atomic"
)

// Counters count the lookups of a resolver with status_zone, and their results. A lookup that the
// cache answers is not counted. Several resolvers may share the Counters. A nil *Counters counts
// nothing.
type Counters struct {
	Name   string
	shared *sharedCounters
}

// The kinds of requests.
const (
	nameRequest = iota
	srvRequest
	addrRequest // never made
	requestKinds
)

// The kinds of responses.
const (
	noError = iota
	formErr
	servFail
	nxDomain
	notImp
	refused
	timedOut
	unknown
	responseKinds
)

type sharedCounters struct {
	requests  [requestKinds]atomic.Int64
	responses [responseKinds]atomic.Int64
}

// NewCounters returns Counters at zero.
func NewCounters(name string) *Counters { return &Counters{name, &sharedCounters{}} }

// Follow makes c share the numbers of old, its predecessor in the previous configuration, before c
// is in use.
func (c *Counters) Follow(old *Counters) { c.shared = old.shared }

func (c *Counters) request(kind int) {
	if c != nil {
		c.shared.requests[kind].Add(1)
	}
}

// response counts the end of a request with that error, or without one.
func (c *Counters) response(err error) {
	if c != nil {
		c.shared.responses[responseKind(err)].Add(1)
	}
}

func responseKind(err error) int {
	if err == nil {
		return noError
	}
	switch {
	case errors.Is(err, FormatError):
		return formErr
	case errors.Is(err, ServerFailure):
		return servFail
	case errors.Is(err, ErrNotFound):
		return nxDomain
	case errors.Is(err, Unimplemented):
		return notImp
	case errors.Is(err, OperationRefused):
		return refused
	case errors.Is(err, ErrTimedOut):
		return timedOut
	}
	return unknown
}

// A Snapshot is Counters at one time.
type Snapshot struct {
	Requests  Requests
	Responses Responses
}

// Requests are requests by kind.
type Requests struct{ Name, SRV, Addr int64 }

// Responses are responses by result.
type Responses struct{ NoError, FormErr, ServFail, NXDomain, NotImp, Refused, TimedOut, Unknown int64 }

// Snapshot returns the current numbers.
func (c *Counters) Snapshot() Snapshot {
	q, a := &c.shared.requests, &c.shared.responses
	return Snapshot{
		Requests{Name: q[nameRequest].Load(), SRV: q[srvRequest].Load(), Addr: q[addrRequest].Load()},
		Responses{
			NoError: a[noError].Load(), FormErr: a[formErr].Load(), ServFail: a[servFail].Load(), NXDomain: a[nxDomain].Load(),
			NotImp: a[notImp].Load(), Refused: a[refused].Load(), TimedOut: a[timedOut].Load(), Unknown: a[unknown].Load(),
		},
	}
}

// Reset sets all counters to 0.
func (c *Counters) Reset() {
	for i := range c.shared.requests {
		c.shared.requests[i].Store(0)
	}
	for i := range c.shared.responses {
		c.shared.responses[i].Store(0)
	}
}
