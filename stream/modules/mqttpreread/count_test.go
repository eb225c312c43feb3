package mqttpreread_test

import (
	"testing"

	"weir/stream/status"
)

// TestZoneCountsConnects checks that each session counts once, however its bytes arrive.
func TestZoneCountsConnects(t *testing.T) {
	zone := status.NewServerZone("z")
	zone.CountMQTT()
	for _, input := range []string{packet{id: "a", username: "ann"}.encode(), packet{}.encode(), "GET / HTTP/1.1\r\n"} {
		s, _, _ := session(t, defaultBuffer)
		s.Listen.Default.Zone = zone
		s.Feed(input, 3)
	}
	got := zone.MQTT().Snapshot()
	if got.V311 != 2 || got.WithoutClientID != 1 || got.Malformed != 1 {
		t.Errorf("got %+v", got)
	}
}
