package proxy_test

import (
	"testing"

	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// TestEnding checks $fleet_end of sessions that do not reach their relay, and of one whose second
// server is reached.
func TestEnding(t *testing.T) {
	const first, shake = `connect 127.0.0.1:7001 out="abcd" within=1m0s
		`, `connect 127.0.0.1:7001 within=1m0s
		connected 127.0.0.1:5000 -> shake upstream out="abcd" within=1m0s
		`
	plain := func(t *testing.T) *proxy.Content { return content(group(1)) }
	secure := func(t *testing.T) *proxy.Content { return withTLS(t, 1) }
	tests := []struct {
		want    string
		content func(*testing.T) *proxy.Content
		script  string
	}{
		{"connect_failed", plain, first + `failed upstream connect ECONNREFUSED -> finish reset`},
		{"connect_timeout", plain, first + `timedout -> finish reset`},
		{"internal_error", plain, first + `failed upstream bind EADDRNOTAVAIL -> finish reset`},
		{"shutdown", plain, first + `aborted -> finish reset`},
		{"client_reset", plain, first + `failed client recv ECONNRESET -> finish reset`},
		{"broker_handshake_failed", secure, shake + `failed upstream SSL_do_handshake ECONNRESET -> finish reset`},
		{"connect_timeout", secure, shake + `timedout -> finish reset`},
		{"broker_closed", plain, first + `connected 127.0.0.1:5000 -> relay
			relayed upstream-EOF -> finish`},
		{"shutdown", plain, first + `connected 127.0.0.1:5000 -> relay
			aborted -> finish`},
		{"client_closed", func(*testing.T) *proxy.Content { return content(group(2)) }, first + `failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002 out="abcd" within=1m0s
			connected 127.0.0.1:5000 -> relay
			relayed client-EOF -> finish`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			s := session(t, tt.content(t))
			offline.Script(t, s, started+tt.script)
			checkEnding(t, s, tt.want)
		})
	}
}

// TestEndingWithoutBroker checks $fleet_end of a session whose group is empty for it.
func TestEndingWithoutBroker(t *testing.T) {
	peer := *group(1).Peers()[0].PeerConf
	peer.Down = true
	s := session(t, content(upstream.NewGroup("g", []*upstream.PeerConf{&peer}, upstream.RoundRobin)))
	offline.Script(t, s, started+`finish reset`)
	checkEnding(t, s, "no_broker")
}

func checkEnding(t *testing.T, s *offline.Session, want string) {
	t.Helper()
	if got := s.Ending().String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
