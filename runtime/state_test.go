package runtime

import (
	"errors"
	"regexp"
	"testing"

	"weir/runtime/api"
	"weir/web"
)

// TestConnectionResets checks that a reset applies to one object, and not to numbers of open connections.
func TestConnectionResets(t *testing.T) {
	b := newTestMaster(t)
	g := newGeneration(1, b.program(), &b.tally)
	g.loops = 2
	b.current.Store(g)
	counters := &web.Counters{}
	s := newState(b.Master, counters)
	b.env.Status.Connections.Begin(0)
	b.env.Status.Connections.Begin(1)
	b.env.Status.Connections.Drop(0)
	counters.Accepted.Store(5)
	counters.Handled.Store(4)
	counters.Active.Store(3)
	counters.Current.Store(1)
	counters.Requests.Store(9)
	process := api.Connections{Accepted: 8, Dropped: 2, Active: 5, Idle: 2}
	if got := s.Connections(); got != process {
		t.Errorf("got %+v, want %+v", got, process)
	}
	first := api.Worker{
		PID: b.env.PID, Connections: api.Connections{Accepted: 7, Dropped: 2, Active: 4, Idle: 2}, Requests: api.Requests{Total: 9, Current: 1},
	}
	if got := s.Workers(); len(got) != 2 || got[0] != first || got[1].Connections.Accepted != 1 {
		t.Errorf("got %+v, want first %+v", got, first)
	}

	s.ResetConnections()
	s.ResetRequests()
	if got, want := s.Connections(), (api.Connections{Active: 5, Idle: 2}); got != want {
		t.Errorf("after a reset: got %+v, want %+v", got, want)
	}
	if got, want := s.Requests(), (api.Requests{Current: 1}); got != want {
		t.Errorf("after a reset: got %+v, want %+v", got, want)
	}
	if got := s.Workers(); got[0] != first {
		t.Errorf("the reset of the process changed a worker: %+v", got[0])
	}
	s.ResetWorker(0)
	first.Connections.Accepted, first.Connections.Dropped, first.Requests.Total = 0, 0, 0
	if got := s.Workers(); got[0] != first || got[1].Connections.Accepted != 1 {
		t.Errorf("after the reset of a worker: got %+v", got)
	}
}

// TestStateWithoutConfiguration checks the state of a process that does not serve any more.
func TestStateWithoutConfiguration(t *testing.T) {
	s := newState(newTestMaster(t).Master, &web.Counters{})
	if s.HasStream() || s.Process().Generation != 0 || len(s.UpstreamNames()) > 0 || s.Keyval("a") != nil || len(s.StreamZones().Names()) > 0 ||
		len(s.HTTPZones().Names()) > 0 {
		t.Error("the process has objects of a configuration")
	}
	if _, err := s.Upstream("a"); !errors.Is(err, api.ErrUpstreamNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestInstanceID(t *testing.T) {
	id := instanceID("host", "/etc/nginx/nginx.conf")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("%s is no UUID of version 5", id)
	}
	if id != instanceID("host", "/etc/nginx/nginx.conf") || id == instanceID("host", "/etc/nginx/other.conf") {
		t.Error("the ID is not that of the configuration")
	}
}
