package stream_test

import (
	"net/netip"
	"testing"

	"weir/stream"
)

func TestAddr(t *testing.T) {
	tests := []struct {
		name                      string
		addr                      stream.Addr
		host, port, text, network string
	}{
		{"IPv4", ip("192.0.2.1:80"), "192.0.2.1", "80", "192.0.2.1:80", "tcp"},
		{"IPv6", ip("[2001:db8::1]:80"), "2001:db8::1", "80", "[2001:db8::1]:80", "tcp"},
		{"any", ip("[::]:0"), "::", "", "[::]:0", "tcp"},
		{"loopback", ip("[::1]:1"), "::1", "1", "[::1]:1", "tcp"},
		{"mapped", ip("[::ffff:1.2.3.4]:80"), "::ffff:1.2.3.4", "80", "[::ffff:1.2.3.4]:80", "tcp"},
		{"compatible, which nginx writes in its own way", ip("[::1.2.3.4]:80"), "::1.2.3.4", "80", "[::1.2.3.4]:80", "tcp"},
		{"zeros in the middle", ip("[1:0:0:2:0:0:0:3]:80"), "1:0:0:2::3", "80", "[1:0:0:2::3]:80", "tcp"},
		{"longest", ip("[1111:2222:3333:4444:5555:6666:7777:8888]:65535"), "1111:2222:3333:4444:5555:6666:7777:8888", "65535",
			"[1111:2222:3333:4444:5555:6666:7777:8888]:65535", "tcp"},
		{"zone, which nginx does not write", ip("[fe80::1%lo]:80"), "fe80::1", "80", "[fe80::1]:80", "tcp"},
		{"unix", stream.UnixAddr("/run/s"), "unix:/run/s", "", "unix:/run/s", "unix"},
		{"unbound unix", stream.UnixAddr(""), "unix:", "", "unix:", "unix"},
		{"none", stream.Addr{}, "", "", "", "tcp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.addr
			if a.Host() != tt.host || a.Port() != tt.port || a.String() != tt.text || a.Network() != tt.network {
				t.Errorf("got %q %q %q %q, want %q %q %q %q",
					a.Host(), a.Port(), a.String(), a.Network(), tt.host, tt.port, tt.text, tt.network)
			}
			if a.IsValid() != (tt.text != "") {
				t.Errorf("got IsValid %v", a.IsValid())
			}
		})
	}
}

func ip(text string) stream.Addr { return stream.Addr{IP: netip.MustParseAddrPort(text)} }
