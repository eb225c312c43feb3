package proxy_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/internal/resolver"
	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
)

// asking returns a session whose destination is its first four bytes, with port 1883, and whose
// resolver asks the name server.
func asking(t *testing.T, to string) (*offline.Session, *peers.DNS, *resolver.Resolver) {
	t.Helper()
	d, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if err := d.Set("b.example", "A", 60, "127.0.0.1", "127.0.0.2"); err != nil {
		t.Fatal(err)
	}
	r := resolver.New(resolver.Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(d.Addr())}, NoAAAA: true})
	t.Cleanup(func() { r.Close() })
	config := stream.NewConfig()
	c := content(nil)
	c.To = proxy.Destination{
		Variable: template(t, config, to), Parse: parse, Names: proxy.Resolving{Resolver: r, Timeout: 5 * time.Second},
	}
	return newSession(t, c, config), d, r
}

// settle waits for the answer to the session's lookup, as a driver does.
func settle(t *testing.T, step stream.Step) {
	t.Helper()
	answered := make(chan struct{}, 1)
	defer step.Lookup.Begin(func() { answered <- struct{}{} })()
	select {
	case <-answered:
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
	}
}

// begin advances s to its step Resolve.
func begin(t *testing.T, s *offline.Session) stream.Step {
	t.Helper()
	s.Advance(stream.Event{Kind: stream.Accepted})
	step := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")})
	if got := offline.StepText(step, s.Clock.Now()); got != "resolve within=5s" {
		t.Fatalf("got %s", got)
	}
	return step
}

func TestResolve(t *testing.T) {
	s, _, _ := asking(t, "b.example:1883")
	settle(t, begin(t, s))
	offline.Script(t, s, `
		resolved                              -> connect 127.0.0.1:1883 out="abcd" within=1m0s
		failed upstream connect ECONNREFUSED  -> connect 127.0.0.2:1883 out="abcd" within=1m0s
		connected 127.0.0.1:5000              -> relay
		relayed                               -> finish`)
	if len(s.Tries) != 2 {
		t.Errorf("got tries %v", s.Tries)
	}
}

func TestResolveKnown(t *testing.T) {
	s, d, r := asking(t, "b.example:1883")
	if err := d.Set("b.example", "A", 60, "127.0.0.2"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Lookup(ctx, "b.example"); err != nil {
		t.Fatal(err)
	}
	offline.Script(t, s, started+`connect 127.0.0.2:1883 out="abcd" within=1m0s
		aborted -> finish reset`)
}

func TestResolveFails(t *testing.T) {
	const logged = ", client: 192.0.2.1, server: 192.0.2.100:1883, bytes from/to client:0/0, bytes from/to upstream:0/0"
	for _, tt := range []struct {
		name, to string
		event    stream.EventKind
		want     string
		status   stream.Status
		ending   string
	}{
		{"no such name", "nobody.example:1", stream.Resolved, "nobody.example could not be resolved (3: Host not found)", 500, "resolve_failed"},
		{"last dot", "nobody.example.:1", stream.Resolved, "nobody.example could not be resolved (3: Host not found)", 500, "resolve_failed"},
		{"no answer", "b.example:1", stream.TimedOut, "b.example could not be resolved (110: Operation timed out)", 500, "resolve_failed"},
		{"shutdown", "b.example:1", stream.Aborted, "shutdown timeout", 200, "shutdown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, _ := asking(t, tt.to)
			step := begin(t, s)
			if tt.event == stream.Resolved {
				settle(t, step)
			}
			if step := s.Advance(stream.Event{Kind: tt.event}); step.Do != stream.Finish {
				t.Errorf("got %s", offline.StepText(step, s.Clock.Now()))
			}
			if got := s.Lines.All()[1]; !strings.HasSuffix(got, tt.want+logged) {
				t.Errorf("got log %q", got)
			}
			checkStatus(t, s, tt.status)
			checkEnding(t, s, tt.ending)
		})
	}
}
