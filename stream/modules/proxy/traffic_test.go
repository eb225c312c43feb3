package proxy_test

import (
	"io"
	"testing"
	"time"

	"weir/internal/mqtt"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/status"
	"weir/stream/upstream"
)

// TestPeerTraffic checks that the counters of a peer include what was sent to it before the relay,
// and that the relay adds to the same counters.
func TestPeerTraffic(t *testing.T) {
	g := inZone(group(1))
	peer := g.Peers()[0]
	c := content(g)
	c.Protocol = proxy.V1
	s := session(t, c)
	offline.Script(t, s, `accepted -> read max=16 within=1m0s`)
	step := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")})
	sent := len(step.Out)
	s.CountToUpstream(nil, sent)
	step = s.Advance(stream.Event{Kind: stream.Connected})
	s.CountToUpstream(step.Relay, 10)
	s.CountFromUpstream(step.Relay, 7, nil)
	checkTraffic(t, peer.Traffic(), 7, int64(sent+10))
	offline.Script(t, s, `relayed client-EOF -> finish`)
	checkTraffic(t, peer.Traffic(), 7, int64(sent+10))
}

// TestPeerTrafficBeforeHandshake checks that the PROXY header counts for a server with which the
// handshake fails.
func TestPeerTrafficBeforeHandshake(t *testing.T) {
	c := withTLS(t, 2)
	c.Protocol = proxy.V1
	c.To.Group = inZone(c.To.Group)
	peers := c.To.Group.Peers()
	s := session(t, c)
	offline.Script(t, s, `accepted -> read max=16 within=1m0s`)
	step := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")})
	header := len(step.Out)
	s.CountToUpstream(nil, header)
	s.Advance(stream.Event{Kind: stream.Connected})
	step = s.Advance(stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpHandshake, Err: io.EOF})
	if step.Do != stream.Connect {
		t.Fatalf("got step %v, want another attempt", step.Do)
	}
	checkTraffic(t, peers[0].Traffic(), 0, int64(header))
	checkTraffic(t, peers[1].Traffic(), 0, 0)
}

// inZone returns a group with the same peers in a zone.
func inZone(g *upstream.Group) *upstream.Group {
	var confs []*upstream.PeerConf
	for _, p := range g.Peers() {
		confs = append(confs, p.PeerConf)
	}
	return upstream.NewZoneGroup(g.Name, upstream.Zone{Name: "z"}, confs, g.Method, nil, upstream.Resolving{})
}

func checkTraffic(t *testing.T, c *relay.Counters, wantReceived, wantSent int64) {
	t.Helper()
	if received, sent := c.Totals(); received != wantReceived || sent != wantSent {
		t.Errorf("received %d, sent %d, want %d and %d", received, sent, wantReceived, wantSent)
	}
}

// TestConnackIsCounted checks that the zone counts the first bytes of the server, with the time since
// the CONNECT was passed on.
func TestConnackIsCounted(t *testing.T) {
	s := session(t, content(group(1)))
	zone := status.NewServerZone("z")
	zone.CountMQTT()
	s.Listen.Default.Zone = zone
	offline.Script(t, s, `accepted -> read max=16 within=1m0s
		after 30s -> keep
		bytes "abcd" -> connect 127.0.0.1:7001 out="abcd" within=1m0s
		connected -> relay
		after 3s -> keep`)
	s.Advance(stream.Event{Kind: stream.FirstByte, Data: []byte("\x20\x02\x00\x05")})
	got := zone.MQTT().Snapshot()
	if len(got.Connacks) != 1 || got.Connacks[0] != (mqtt.CodeCount{Code: 5, Count: 1}) || got.ConnackTimes.Sum != 3*time.Second {
		t.Errorf("got %+v", got)
	}
}
