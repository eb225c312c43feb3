package runtime

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"weir/runtime/api"
	"weir/stream"
	"weir/stream/upstream"
	"weir/web"
)

// BenchmarkScrape measures the answer for a group of 1,000 peers.
func BenchmarkScrape(b *testing.B) {
	var peers []*upstream.PeerConf
	for i := range 1000 {
		addr := stream.Addr{IP: netip.MustParseAddrPort(fmt.Sprintf("127.0.%d.%d:1883", i/250, i%250))}
		peers = append(peers, &upstream.PeerConf{
			Server: addr.String(), Name: addr.String(), Addr: addr, Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second,
		})
	}
	g := upstream.NewZoneGroup("brokers", upstream.Zone{Name: "brokers"}, peers, upstream.RoundRobin, nil, upstream.Resolving{})
	s := &state{m: &Master{env: newEnv(nil)}, web: &web.Counters{}}
	server := api.Server{Source: groupSource{s, g}}
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		server.Serve(httptest.NewRecorder(), r, "/9/stream/upstreams/brokers", api.Options{})
	}
}

// A groupSource is a source with one group.
type groupSource struct {
	*state
	group *upstream.Group
}

func (s groupSource) HasStream() bool { return true }

func (s groupSource) Upstream(string) (api.Upstream, error) { return groupState{s.group}, nil }
