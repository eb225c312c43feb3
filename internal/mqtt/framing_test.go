package mqtt_test

import (
	"bytes"
	"strings"
	"testing"

	"weir/internal/mqtt"
)

// The packets of a broker: a CONNACK that accepts the client, one that does not, a PINGRESP, and a PUBLISH
// whose length has two bytes.
const (
	accepts  = "\x20\x03\x00\x00\x00"
	refuses  = "\x20\x03\x00\x87\x00"
	pingresp = "\xd0\x00"
)

var publish = "\x30\xc8\x01" + strings.Repeat("x", 200)

func TestFraming(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bytes   string
		between bool
	}{
		{"nothing", "", false},
		{"accepted", accepts, true},
		{"half of the CONNACK", accepts[:4], false},
		{"refused", refuses, false},
		{"an AUTH before", "\xf0\x02\x18\x00" + accepts, true},
		{"another packet before", pingresp, false},
		{"packets", accepts + publish + pingresp + publish, true},
		{"half a type and length", accepts + "\xd0", false},
		{"half a length", accepts + publish[:2], false},
		{"half a body", accepts + publish[:100], false},
		{"a body without its last byte", accepts + publish[:len(publish)-1], false},
		{"a length of five bytes", accepts + "\x30\x80\x80\x80\x80\x00", false},
		{"a CONNACK without a code", "\x20\x01\x00" + accepts, false},
		{"a code of an error in a later CONNACK", accepts + refuses, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for cut := range len(tt.bytes) + 1 {
				var f mqtt.Framing
				f.Follow([]byte(tt.bytes[:cut]))
				f.Follow([]byte(tt.bytes[cut:]))
				if f.Between() != tt.between {
					t.Fatalf("cut after %d bytes it is between packets: %v, want %v", cut, f.Between(), tt.between)
				}
			}
		})
	}
}

func TestFramingOfBytesNotSeen(t *testing.T) {
	for _, tt := range []struct {
		name    string
		before  string
		skip    int
		after   string
		between bool
	}{
		{"part of a body", accepts + publish[:10], 100, publish[110:], true},
		{"the rest of a body", accepts + publish[:10], 193, "", true},
		{"and the beginning of the next packet", accepts + publish[:10], 194, "", false},
		{"between packets", accepts, 2, accepts, false},
		{"in a length", accepts + "\x30", 1, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f mqtt.Framing
			f.Follow([]byte(tt.before))
			f.Skip(tt.skip)
			f.Follow([]byte(tt.after))
			if f.Between() != tt.between {
				t.Errorf("it is between packets: %v, want %v", f.Between(), tt.between)
			}
		})
	}
}

// FuzzFraming checks that any bytes are followed in the same way however they are cut, and that packets of
// a known length are found again after them.
func FuzzFraming(f *testing.F) {
	f.Add([]byte(accepts+publish), 7)
	f.Add([]byte("\x30\xff\xff\xff\x7f"), 2)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = min(max(cut, 0), len(b))
		var whole, parts mqtt.Framing
		whole.Follow(b)
		parts.Follow(b[:cut])
		parts.Follow(b[cut:])
		if whole != parts {
			t.Errorf("%+v and, cut after %d bytes, %+v", whole, cut, parts)
		}
	})
}

func TestAppendDisconnect(t *testing.T) {
	long := strings.Repeat("n", mqtt.MaxReference)
	for _, tt := range []struct {
		why       mqtt.Reason
		reference string
		want      string
	}{
		{mqtt.ServerShuttingDown, "", "\xe0\x02\x8b\x00"},
		{mqtt.UseAnotherServer, "b:1", "\xe0\x08\x9c\x06\x1c\x00\x03b:1"},
		{mqtt.ServerMoved, long, "\xe0\x85\x02\x9d\x82\x02\x1c\x00\xff" + long},
	} {
		if got := mqtt.AppendDisconnect([]byte("+"), tt.why, tt.reference); string(got) != "+"+tt.want {
			t.Errorf("%#x to %q: got %q, want %q", tt.why, tt.reference, got, tt.want)
		}
	}
}

// connect5 returns a CONNECT of MQTT 5.0 with those properties.
func connect5(properties string) []byte {
	rest := "\x00\x04MQTT\x05\x02\x00\x3c" + string(rune(len(properties))) + properties + "\x00\x01a"
	return []byte("\x10" + string(rune(len(rest))) + rest)
}

func TestPacketLimit(t *testing.T) {
	all := "\x11\x00\x00\x00\x01\x21\x00\x05\x22\x00\x05\x17\x01\x19\x01\x15\x00\x01m\x16\x00\x01d\x26\x00\x01k\x00\x01v"
	for _, tt := range []struct {
		name string
		b    []byte
		want int
	}{
		{"no properties", connect5(""), mqtt.MaxSize},
		{"a limit", connect5("\x27\x00\x00\x00\x80"), 128},
		{"a limit after all others", connect5(all + "\x27\x00\x01\x00\x00"), 65536},
		{"no limit among all others", connect5(all), mqtt.MaxSize},
		{"an unknown property before", connect5("\x7f\x27\x00\x00\x00\x80"), mqtt.MaxSize},
		{"a limit that is cut", connect5("\x27\x00\x00"), mqtt.MaxSize},
		{"not arrived", connect5("\x27\x00\x00\x00\x80")[:15], mqtt.MaxSize},
		{"version 3.1.1", []byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"), mqtt.MaxSize},
		{"nothing", nil, mqtt.MaxSize},
	} {
		if got := mqtt.PacketLimit(tt.b); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestFramingDoesNotAllocate(t *testing.T) {
	b := bytes.Repeat([]byte(pingresp), 100)
	f := new(mqtt.Framing)
	if got := testing.AllocsPerRun(100, func() { f.Follow(b) }); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func BenchmarkFraming(b *testing.B) {
	data := []byte(publish)
	f := new(mqtt.Framing)
	for b.Loop() {
		f.Follow(data)
	}
}
