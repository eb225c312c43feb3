package stream_test

import (
	"testing"

	"weir/internal/relay"
	"weir/stream/offline"
	"weir/stream/status"
)

// BenchmarkCount counts one relayed packet: its read from the client and its write to the server.
func BenchmarkCount(b *testing.B) {
	for name, zone := range map[string]*status.ServerZone{"without zone": nil, "with zone": status.NewServerZone("z")} {
		b.Run(name, func(b *testing.B) {
			l := listener()
			l.Default.Zone = zone
			s := offline.NewSession(b, l)
			spec := &relay.Spec{}
			if zone != nil {
				spec.Peer = relay.NewCounters()
			}
			for b.Loop() {
				s.CountFromClient(100)
				s.CountToUpstream(spec, 100)
			}
		})
	}
}
