package udp

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// TestTransparent tests that a socket can bind to a foreign address if and only if the target
// allows it.
func TestTransparent(t *testing.T) {
	for _, tt := range []struct {
		name, local string
		family      int
		transparent bool
		want        error
	}{
		{"IPv4", "192.0.2.7:0", unix.AF_INET, true, nil},
		{"IPv4 without", "192.0.2.7:0", unix.AF_INET, false, unix.EADDRNOTAVAIL},
		{"IPv6", "[2001:db8::7]:0", unix.AF_INET6, true, nil},
		{"IPv6 without", "[2001:db8::7]:0", unix.AF_INET6, false, unix.EADDRNOTAVAIL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fd, err := unix.Socket(tt.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Skip("MISSING: ", err)
			}
			defer unix.Close(fd)
			target := &stream.Target{Local: stream.Addr{IP: netip.MustParseAddrPort(tt.local)}, Transparent: tt.transparent}
			switch err := letBindAnywhere(fd, target); {
			case errors.Is(err, unix.EPERM):
				t.Skip("MISSING: CAP_NET_RAW: no socket is transparent")
			case err != nil:
				t.Fatal(err)
			}
			if err := prepare(fd, target); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
