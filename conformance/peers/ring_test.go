package peers

import (
	"fmt"
	"math"
	"testing"
)

func TestChoiceOfServer(t *testing.T) {
	three := []Member{{"10.0.0.1:1883", 1}, {"10.0.0.2:1883", 1}, {"10.0.0.3:1883", 1}}
	weights := []Member{{"10.0.0.1:1883", 1}, {"10.0.0.2:1883", 2}, {"10.0.0.3:1883", 5}}
	mixed := []Member{{"unix:/run/broker.sock", 1}, {"[2001:db8::1]:1883", 1}, {"10.0.0.1:1883", 1}}
	rows := []struct {
		name, key, consistent, plain string
		group                        []Member
	}{
		{"three", "device-0", "10.0.0.2:1883", "10.0.0.3:1883", three},
		{"three", "device-1", "10.0.0.3:1883", "10.0.0.1:1883", three},
		{"three", "sensor/42", "10.0.0.3:1883", "10.0.0.1:1883", three},
		{"three", "mqttjs_12ab34cd", "10.0.0.1:1883", "10.0.0.3:1883", three},
		{"three", "UPPER", "10.0.0.1:1883", "10.0.0.1:1883", three},
		{"three", "upper", "10.0.0.1:1883", "10.0.0.2:1883", three},
		{"weights", "device-0", "10.0.0.3:1883", "10.0.0.1:1883", weights},
		{"weights", "device-1", "10.0.0.3:1883", "10.0.0.3:1883", weights},
		{"weights", "sensor/42", "10.0.0.3:1883", "10.0.0.3:1883", weights},
		{"weights", "mqttjs_12ab34cd", "10.0.0.3:1883", "10.0.0.3:1883", weights},
		{"weights", "UPPER", "10.0.0.1:1883", "10.0.0.3:1883", weights},
		{"weights", "upper", "10.0.0.1:1883", "10.0.0.3:1883", weights},
		{"mixed", "device-0", "unix:/run/broker.sock", "10.0.0.1:1883", mixed},
		{"mixed", "device-1", "[2001:db8::1]:1883", "unix:/run/broker.sock", mixed},
		{"mixed", "sensor/42", "[2001:db8::1]:1883", "unix:/run/broker.sock", mixed},
		{"mixed", "mqttjs_12ab34cd", "10.0.0.1:1883", "10.0.0.1:1883", mixed},
		{"mixed", "UPPER", "10.0.0.1:1883", "unix:/run/broker.sock", mixed},
		{"mixed", "upper", "10.0.0.1:1883", "[2001:db8::1]:1883", mixed},
	}
	for _, row := range rows {
		t.Run(row.name+"/"+row.key, func(t *testing.T) {
			if got := Consistent(row.group, row.key); got != row.consistent {
				t.Errorf("consistent: got %s, want %s", got, row.consistent)
			}
			if got := Plain(row.group, row.key); got != row.plain {
				t.Errorf("plain: got %s, want %s", got, row.plain)
			}
		})
	}
}

// TestShares compares the shares of a ring with those of many keys.
func TestShares(t *testing.T) {
	const keys = 100_000
	group := []Member{{"10.0.0.1:1883", 1}, {"10.0.0.2:1883", 2}, {"10.0.0.3:1883", 5}}
	ring := NewRing(group)
	got, sum := map[string]float64{}, 0.0
	for i := range keys {
		got[ring.Server(fmt.Sprintf("device-%d", i))]++
	}
	for _, m := range group {
		share := ring.Share(m.Server)
		sum += share
		if of := got[m.Server] / keys; math.Abs(of-share) > 0.01 {
			t.Errorf("%s has %.3f of the ring, and %.3f of the keys", m.Server, share, of)
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the shares add up to %v", sum)
	}
}
