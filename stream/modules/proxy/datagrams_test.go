package proxy_test

import (
	"slices"
	"testing"
	"time"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// udpAt returns the log context of a datagram session with the first server.
func udpAt(action string) string {
	return " while " + action + `, udp client: 192.0.2.1, server: 127.0.0.1:53, upstream: "127.0.0.1:7001", ` +
		"bytes from/to client:4/0, bytes from/to upstream:0/0"
}

// TestDatagrams plays the possible courses of a datagram session, and checks in the log their
// effect on its server.
func TestDatagrams(t *testing.T) {
	const (
		begin     = `accepted "abcd" -> connect 127.0.0.1:7001 out="abcd" within=1m0s` + "\n"
		connected = begin + "connected 127.0.0.1:5000 -> relay\n"
		up        = "[info] *1 udp proxy 127.0.0.1:5000 connected to 127.0.0.1:7001"
		counts    = ", bytes from/to client:4/0, bytes from/to upstream:0/0"
	)
	refused := "[error] *1 recv() failed (111: Connection refused)" + udpAt("proxying and reading from upstream")
	disabled := "[warn] *1 upstream server temporarily disabled" + udpAt("proxying connection")
	tests := []struct {
		name      string
		responses int
		script    string
		status    stream.Status
		log       []string
	}{
		{
			"done", 1, connected + `relayed done 1/1 -> finish`, 200,
			[]string{up, "[info] *1 udp done, packets from/to client:1/1" + counts},
		},
		{
			"timed out with all answers", -1, connected + `relayed timeout 3/7 -> finish`, 200,
			[]string{up, "[info] *1 udp timed out, packets from/to client:3/7" + counts},
		},
		{"timed out without an answer", 1, connected + `relayed timeout 1/0 -> finish`, 502, []string{
			up,
			"[error] *1 upstream timed out (110: Connection timed out)" + udpAt("proxying connection"), disabled,
		}},
		{
			"refused", 1, connected + `failed upstream recv ECONNREFUSED -> keep
			relayed done 1/1 -> finish`, 200,
			[]string{up, refused, "[info] *1 udp done, packets from/to client:1/1" + counts, disabled},
		},
		{
			"cannot be sent", 1, connected + `failed upstream sendmsg EMSGSIZE -> keep
			relayed upstream-error 1/0 -> finish`, 200,
			[]string{up, "[alert] *1 sendmsg() failed (90: Message too long)" + udpAt("proxying and sending to upstream"), disabled},
		},
		{
			"cannot be answered", 1, connected + `failed client sendmsg EPERM -> keep
			relayed client-error 1/0 -> finish`, 200,
			[]string{up, "[alert] *1 sendmsg() failed (1: Operation not permitted)" + udpAt("proxying and sending to client")},
		},
		{"socket closed", -1, connected + `relayed shutdown 1/0 -> finish`, 200, []string{up, "[info] *1 disconnected on shutdown"}},
		{"aborted", -1, connected + `aborted -> finish`, 200, []string{up, "[info] *1 shutdown timeout" + udpAt("proxying connection")}},
		{"aborted after a refusal", -1, connected + `failed upstream recv ECONNREFUSED -> keep
			aborted -> finish`, 200, []string{up, refused, "[info] *1 shutdown timeout" + udpAt("proxying connection"), disabled}},
		{"the second server", 1, begin + `failed upstream connect EHOSTUNREACH -> connect 127.0.0.1:7002 out="abcd" within=1m0s
			connected 127.0.0.1:5000 -> relay
			relayed done 1/1 -> finish`, 200, []string{
			"[error] *1 connect() to 127.0.0.1:7001 failed (113: No route to host)" + udpAt("connecting to upstream"),
			"[warn] *1 upstream server temporarily disabled" + udpAt("connecting to upstream"),
			"[info] *1 udp proxy 127.0.0.1:5000 connected to 127.0.0.1:7002",
			"[info] *1 udp done, packets from/to client:1/1" + counts,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := datagrams(tt.responses)
			s := datagramSession(t, c)
			offline.Script(t, s, tt.script)
			checkStatus(t, s, tt.status)
			if got := s.Lines.All()[1:]; !slices.Equal(got, tt.log) {
				t.Errorf("got log %q\nwant %q", got, tt.log)
			}
			checkIdle(t, c.To.Group)
		})
	}
}

// datagrams returns a proxy to two servers that each rest after one failure, with the given number
// of expected answers.
func datagrams(responses int) *proxy.Content {
	var peers []*upstream.PeerConf
	for i := range uint16(2) {
		a := drivertest.Loopback(7001 + i)
		peers = append(peers, &upstream.PeerConf{Server: a.String(), Name: a.String(), Addr: a, Weight: 1, MaxFails: 1, FailTimeout: proxy.DefaultFailTimeout})
	}
	c := content(upstream.NewGroup("brokers", peers, upstream.RoundRobin))
	c.Relay = &relay.Spec{BufferSize: 16384, Responses: responses}
	return c
}

// datagramSession returns a datagram session that c serves.
func datagramSession(t *testing.T, c *proxy.Content) *offline.Session {
	t.Helper()
	addr := drivertest.Loopback(53)
	addr.UDP = true
	return offline.NewSession(t, &stream.Listen{Addr: addr, Default: &stream.Server{Content: c}})
}

// A server that has failed is probed by one session after its pause. With datagrams the probe ends
// with the session, not when the socket exists.
func TestDatagramsSucceedAtTheEnd(t *testing.T) {
	const pause = 12 * time.Second
	tests := []struct{ name, probe, next string }{
		{"under way", "", "127.0.0.1:7002"},
		{"answered", "relayed done 1/1 -> finish", "127.0.0.1:7001"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := datagrams(1)
			offline.Script(t, datagramSession(t, c), `
				accepted "x" -> connect 127.0.0.1:7001 out="x" within=1m0s
				connected    -> relay
				relayed timeout 1/0 -> finish`)
			later := func(script string) {
				s := datagramSession(t, c)
				s.Clock.Advance(pause)
				offline.Script(t, s, script)
			}
			other := `accepted "x" -> connect 127.0.0.1:7002 out="x" within=1m0s`
			later(other) // the weight of the failed server recovers
			later(other)
			later(`
				accepted "x" -> connect 127.0.0.1:7001 out="x" within=1m0s
				connected    -> relay
				` + tt.probe)
			later(other)
			later(`accepted "x" -> connect ` + tt.next + ` out="x" within=1m0s`)
		})
	}
}
