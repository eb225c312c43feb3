package status

import (
	"slices"
	"testing"
	"time"

	"weir/internal/mqtt"
)

func TestMQTT(t *testing.T) {
	m := &MQTT{}
	for _, text := range []string{
		"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a",
		"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
		"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a",
		"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a",
		"GET / HTTP/1.1\r\n",
	} {
		c := mqtt.Parse([]byte(text))
		m.Connect(&c)
	}
	m.Connack([]byte("\x20\x02\x00\x00"), time.Millisecond)
	m.Connack([]byte("\x20\x02\x00\x05"), time.Hour)
	m.Connack([]byte("\x20\x03\x00\x87\x00"), 3*time.Millisecond)
	m.Connack([]byte("\x20\x02"), time.Millisecond)
	m.Connack([]byte("HTTP/1.1 400"), time.Millisecond)
	m.Connack(nil, time.Millisecond)
	got := m.Snapshot()
	if got.V31 != 1 || got.V311 != 2 || got.V5 != 1 || got.Malformed != 1 || got.WithoutClientID != 1 {
		t.Errorf("got %+v", got)
	}
	if want := []mqtt.CodeCount{{Code: 0, Count: 1}, {Code: 5, Count: 1}, {Code: 0x87, Count: 1}}; !slices.Equal(got.Connacks, want) {
		t.Errorf("got codes %v, want %v", got.Connacks, want)
	}
	times := make([]uint64, len(connackBounds)+1)
	times[0], times[2], times[len(connackBounds)] = 1, 1, 1
	if !slices.Equal(got.ConnackTimes.Counts, times) || got.ConnackTimes.Sum != time.Hour+4*time.Millisecond {
		t.Errorf("got times %v, sum %v", got.ConnackTimes.Counts, got.ConnackTimes.Sum)
	}
	m.Reset()
	if got := m.Snapshot(); got.V311 != 0 || got.Connacks != nil || got.ConnackTimes.Sum != 0 || got.ConnackTimes.Counts[0] != 0 {
		t.Errorf("got %+v after a reset", got)
	}
}

// TestZoneFollowsMQTT checks that a zone shares the counters of its predecessor.
func TestZoneFollowsMQTT(t *testing.T) {
	old, next, plain := NewServerZone("z"), NewServerZone("z"), NewServerZone("z")
	old.CountMQTT()
	next.CountMQTT()
	next.Follow(old)
	plain.Follow(old)
	old.MQTT().Connack([]byte("\x20\x02\x00\x00"), 0)
	if got := next.MQTT().Snapshot(); len(got.Connacks) != 1 {
		t.Errorf("got %+v", got)
	}
	if plain.MQTT() != nil {
		t.Error("a zone without MQTT counts its packets")
	}
	next.Reset()
	if got := old.MQTT().Snapshot(); len(got.Connacks) != 0 {
		t.Errorf("got %+v after a reset", got)
	}
}
