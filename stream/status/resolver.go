package status

import "sync/atomic"

// A Resolver counts the questions of a resolver with status_zone, and the answers to them. Several
// resolvers may share one.
type Resolver struct {
	Name     string
	counters *resolverCounters
}

// The kinds of requests to a resolver.
const (
	NameRequest = iota // addresses of a name
	SRVRequest
	AddrRequest // the name of an address
	requestKinds
)

// The kinds of responses of a resolver.
const (
	NoError = iota
	FormErr
	ServFail
	NXDomain
	NotImp
	Refused
	TimedOut
	UnknownError
	responseKinds
)

type resolverCounters struct {
	requests  [requestKinds]atomic.Int64
	responses [responseKinds]atomic.Int64
}

// NewResolver returns a zone with its counters at zero.
func NewResolver(name string) *Resolver { return &Resolver{name, &resolverCounters{}} }

// Follow makes r share the counters of old, its predecessor in the previous configuration, before r
// is in use.
func (r *Resolver) Follow(old *Resolver) { r.counters = old.counters }

// Request counts a request of that kind. A nil *Resolver counts nothing.
func (r *Resolver) Request(kind int) {
	if r != nil {
		r.counters.requests[kind].Add(1)
	}
}

// Response counts the end of a request by its result.
func (r *Resolver) Response(kind int) {
	if r != nil {
		r.counters.responses[kind].Add(1)
	}
}

// A ResolverSnapshot is a Resolver at one time.
type ResolverSnapshot struct {
	Requests  ResolverRequests
	Responses ResolverResponses
}

// ResolverRequests are requests by kind.
type ResolverRequests struct{ Name, SRV, Addr int64 }

// ResolverResponses are responses by result.
type ResolverResponses struct{ NoError, FormErr, ServFail, NXDomain, NotImp, Refused, TimedOut, Unknown int64 }

// Snapshot returns the current numbers.
func (r *Resolver) Snapshot() ResolverSnapshot {
	q, a := &r.counters.requests, &r.counters.responses
	return ResolverSnapshot{
		ResolverRequests{Name: q[NameRequest].Load(), SRV: q[SRVRequest].Load(), Addr: q[AddrRequest].Load()},
		ResolverResponses{
			NoError: a[NoError].Load(), FormErr: a[FormErr].Load(), ServFail: a[ServFail].Load(), NXDomain: a[NXDomain].Load(),
			NotImp: a[NotImp].Load(), Refused: a[Refused].Load(), TimedOut: a[TimedOut].Load(), Unknown: a[UnknownError].Load(),
		},
	}
}

// Reset sets all counters to 0.
func (r *Resolver) Reset() {
	for i := range r.counters.requests {
		r.counters.requests[i].Store(0)
	}
	for i := range r.counters.responses {
		r.counters.responses[i].Store(0)
	}
}
