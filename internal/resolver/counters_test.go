package resolver

import (
	"errors"
	"testing"
)

// TestCountersFollow checks that Counters share their numbers with their predecessor.
func TestCountersFollow(t *testing.T) {
	old, next := NewCounters("z"), NewCounters("z")
	next.Follow(old)
	old.request(addrRequest)
	for _, err := range []error{
		nil, FormatError, ServerFailure, ErrNotFound, Unimplemented, OperationRefused, ErrTimedOut, errors.New("another"),
	} {
		next.response(err)
	}
	want := Snapshot{Requests{Addr: 1}, Responses{1, 1, 1, 1, 1, 1, 1, 1}}
	if got := next.Snapshot(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	next.Reset()
	if got := old.Snapshot(); got != (Snapshot{}) {
		t.Errorf("got %+v after a reset", got)
	}
}

// TestLookupsAreCounted checks that lookups count by their result, and those that the cache answers
// do not.
func TestLookupsAreCounted(t *testing.T) {
	counters := NewCounters("z")
	d, r := start(t, func(o *Options) { o.Counters = counters })
	set(t, d, "a.test", "A", 60, "192.0.2.1")
	lookup(t, r, "a.test")
	lookup(t, r, "a.test")
	lookup(t, r, "missing.test")
	r.LookupService(within(t, 0), "mqtt", "missing.test")
	got := counters.Snapshot()
	if got.Requests != (Requests{Name: 2, SRV: 1}) || got.Responses.NoError != 1 || got.Responses.NXDomain < 1 {
		t.Errorf("got %+v", got)
	}
}
