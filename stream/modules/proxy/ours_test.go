package proxy_test

import (
	"testing"
	"time"

	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// TestOurTrouble checks which attempts count as failures of the server.
func TestOurTrouble(t *testing.T) {
	tests := []struct {
		call, reason string
		unix         bool
		ours         bool
	}{
		{"connect", "EADDRNOTAVAIL", false, true},
		{"connect", "EAGAIN", false, true},
		{"connect", "EAGAIN", true, false},
		{"connect", "EMFILE", false, true},
		{"connect", "ENFILE", false, true},
		{"connect", "ENOBUFS", false, true},
		{"connect", "ENOMEM", false, true},
		{"connect", "EPERM", false, true},
		{"connect", "EACCES", true, true},
		{"connect", "ECONNREFUSED", false, false},
		{"connect", "ENETUNREACH", false, false},
		{"connect", "ENOENT", true, false},
		{"socket", "EMFILE", false, true},
		{"bind", "EADDRINUSE", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.call+" "+tt.reason, func(t *testing.T) {
			c := content(pairOf(tt.unix))
			c.Bind = template(t, stream.NewConfig(), "127.0.0.1")
			s := session(t, c)
			s.Advance(stream.Event{Kind: stream.Accepted})
			s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")})
			offline.Script(t, s, "failed upstream "+tt.call+" "+tt.reason+" -> "+stepAfter(tt.call, tt.unix))
			if got := s.Lines.Count("temporarily disabled") == 0; got != tt.ours {
				t.Errorf("counts as a failure: %v", !got)
			}
		})
	}
}

// pairOf returns a group of two servers that each rest after one failure.
func pairOf(unix bool) *upstream.Group {
	peers := servers(2)
	for _, p := range peers {
		p.MaxFails, p.FailTimeout = 1, proxy.DefaultFailTimeout
		if unix {
			p.Addr = stream.UnixAddr("/run/" + p.Name)
		}
	}
	return upstream.NewGroup("brokers", peers, upstream.RoundRobin)
}

// stepAfter returns the step of a session after its first attempt has failed in that call.
func stepAfter(call string, unix bool) string {
	switch {
	case call == "socket":
		return "pause within=100ms"
	case call == "bind":
		return "finish reset"
	case unix:
		return `connect unix:/run/127.0.0.1:7002 from=127.0.0.1:0 out="abcd" within=1m0s`
	}
	return `connect 127.0.0.1:7002 from=127.0.0.1:0 out="abcd" within=1m0s`
}

// TestPause plays sessions whose servers cannot be tried because a resource is short.
func TestPause(t *testing.T) {
	const (
		first   = `connect 127.0.0.1:7001 out="abcd" within=1m0s` + "\n"
		second  = `connect 127.0.0.1:7002 out="abcd" within=1m0s` + "\n"
		noPorts = "failed upstream connect EADDRNOTAVAIL -> "
		noRoom  = "failed upstream socket EMFILE -> "
	)
	tests := []struct {
		name, script string
		change       func(*proxy.Content)
		status       stream.Status
		tries        string
		lines        int // log lines about failed calls
	}{
		{"served after two pauses", first + noPorts + second + noPorts + `pause within=100ms
			after 100ms -> keep
			timedout -> ` + second + noPorts + first + noPorts + `pause within=100ms
			after 100ms -> keep
			timedout -> ` + first + `connected 127.0.0.1:5000 -> relay
			relayed client-EOF -> finish`, nil, 200, "127.0.0.1:7001, 127.0.0.1:7002, 127.0.0.1:7001", 4},
		{"no descriptor", first + noRoom + `pause within=100ms
			after 100ms -> keep
			timedout -> ` + second + `connected 127.0.0.1:5000 -> relay
			relayed client-EOF -> finish`, nil, 200, "127.0.0.1:7001, 127.0.0.1:7002", 1},
		{"other servers have failed", first + noPorts + second + `failed upstream connect ECONNREFUSED -> pause within=100ms
			after 100ms -> keep
			timedout -> ` + first + `aborted -> finish reset`, nil, 200, "127.0.0.1:7001, 127.0.0.1:7002, 127.0.0.1:7001", 2},
		{"pauses grow", first + noPorts + second + `after 1600ms -> keep
			` + noPorts + `pause within=200ms
			aborted -> finish reset`, nil, 200, "127.0.0.1:7001, 127.0.0.1:7002", 2},
		{"the client goes", first + noPorts + second + noPorts + `pause within=100ms
			failed client recv ECONNRESET -> finish reset`, nil, 200, "127.0.0.1:7001, 127.0.0.1:7002", 3},
		{"shutdown", first + noRoom + `pause within=100ms
			aborted -> finish reset`, nil, 200, "127.0.0.1:7001", 1},
		{"no longer than a connect", `connect 127.0.0.1:7001 out="abcd" within=150ms
			` + noRoom + `pause within=100ms
			after 100ms -> keep
			timedout -> connect 127.0.0.1:7002 out="abcd" within=150ms
			` + noRoom + `finish reset`, func(c *proxy.Content) { c.ConnectTimeout = 150 * time.Millisecond }, 500, "127.0.0.1:7001, ", 1},
		{"no longer than five seconds", first + noPorts + second + `after 4901ms -> keep
			` + noPorts + `finish reset`, nil, 502, "127.0.0.1:7001, 127.0.0.1:7002", 2},
		{
			"no permission", first + `failed upstream connect EPERM -> ` + second + `failed upstream connect EPERM -> finish reset`, nil, 502,
			"127.0.0.1:7001, 127.0.0.1:7002", 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := content(pairOf(false))
			if tt.change != nil {
				tt.change(c)
			}
			s := session(t, c)
			offline.Script(t, s, started+tt.script)
			checkStatus(t, s, tt.status)
			if got := tries(s); got != tt.tries {
				t.Errorf("got tries %q, want %q", got, tt.tries)
			}
			if n := s.Lines.Count("() "); n != tt.lines {
				t.Errorf("got %d lines about calls, want %d: %q", n, tt.lines, s.Lines.All())
			}
			checkIdle(t, c.To.Group)
		})
	}
}

// TestServersRest checks that a session waits if another one has found no source port.
func TestServersRest(t *testing.T) {
	g := group(1)
	one, other := session(t, content(g)), session(t, content(g))
	other.Env, other.Clock = one.Env, one.Clock
	offline.Script(t, one, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s
		failed upstream connect EADDRNOTAVAIL -> pause within=100ms`)
	offline.Script(t, other, started+`pause within=100ms`)
	one.Clock.Advance(100 * time.Millisecond)
	offline.Script(t, other, `timedout -> connect 127.0.0.1:7001 out="abcd" within=1m0s
		connected 127.0.0.1:5000 -> relay
		relayed client-EOF -> finish`)
	if got := tries(other); got != "brokers, 127.0.0.1:7001" {
		t.Errorf("got tries %q", got)
	}
	offline.Script(t, one, `aborted -> finish reset`)
	checkIdle(t, g)
}
