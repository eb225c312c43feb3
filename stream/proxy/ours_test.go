package proxy_test

import (
	"testing"

	"weir/stream"
	"weir/stream/proxy"
	"weir/stream/streamtest"
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
			streamtest.Script(t, s, "failed upstream "+tt.call+" "+tt.reason+" -> "+stepAfter(tt.call, tt.unix))
			if got := s.Lines.Count("temporarily disabled") == 0; got != tt.ours {
				t.Errorf("counts as a failure: %v", !got)
			}
		})
	}
}

// pairOf is a group of two servers that each rest after one failure.
func pairOf(unix bool) *upstream.Group {
	g := group(2)
	for _, p := range g.Peers() {
		p.MaxFails, p.FailTimeout = 1, proxy.DefaultFailTimeout
		if unix {
			p.Addr = stream.UnixAddr("/run/" + p.Name)
		}
	}
	return g
}

// stepAfter is what a session does after its first attempt has failed in that call.
func stepAfter(call string, unix bool) string {
	switch {
	case call != "connect":
		return "finish reset"
	case unix:
		return `connect unix:/run/127.0.0.1:7002 from=127.0.0.1:0 out="abcd" within=1m0s`
	}
	return `connect 127.0.0.1:7002 from=127.0.0.1:0 out="abcd" within=1m0s`
}
