//go:build linux

package load

import "testing"

func TestPublishHasTheGivenLength(t *testing.T) {
	for _, size := range []int{7, 100, 128, 129, 4096, 20_000} {
		p, err := publishOf(size)
		if err != nil {
			t.Errorf("publishOf(%d): %v", size, err)
			continue
		}
		for cut := range len(p) {
			if got, err := firstPacket(p[:cut]); got.size != 0 || err != nil {
				t.Fatalf("first %d of %d bytes: got %d, %v, want 0", cut, size, got.size, err)
			}
		}
		if got, err := firstPacket(append(p, pingreq...)); got.size != size || err != nil {
			t.Errorf("size: got %d, %v, want %d", got.size, err, size)
		}
	}
	if _, err := publishOf(6); err == nil {
		t.Error("publishOf(6): got no error, want that it is too short")
	}
}

func TestClientIDOfConnect(t *testing.T) {
	pk, err := firstPacket(appendConnect(nil, "sink:10:x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := clientID(pk.body); got != "sink:10:x" || err != nil {
		t.Errorf("MQTT 3.1.1: got %q, %v", got, err)
	}
	v5 := "\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x01\x00\x02ab"
	if got, err := clientID([]byte(v5)); got != "ab" || err != nil {
		t.Errorf("MQTT 5: got %q, %v", got, err)
	}
	for cut := range len(v5) {
		if _, err := clientID([]byte(v5[:cut])); err == nil {
			t.Errorf("first %d bytes: got no error", cut)
		}
	}
}

func TestProxyHeaderIsMeasured(t *testing.T) {
	v2 := proxyV2 + "\x21\x11\x00\x0c123456789012"
	tests := []struct {
		name, in string
		want     int
	}{
		{"version 1", "PROXY TCP4 127.0.0.1 127.0.0.2 1 2\r\n\x10", 36},
		{"part of version 1", "PROXY TCP4 127", -1},
		{"part of the word", "PRO", -1},
		{"none", "\x10\x0c", 0},
		{"version 2", v2 + "\x10", len(v2)},
		{"part of version 2", v2[:14], -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := proxyHeader([]byte(tt.in)); got != tt.want {
				t.Errorf("proxyHeader(%q): got %d, want %d", tt.in, got, tt.want)
			}
		})
	}
}
