package poll

import (
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
		want        unix.Errno
	}{
		{"IPv4", "192.0.2.7:0", unix.AF_INET, true, 0},
		{"IPv4 without", "192.0.2.7:0", unix.AF_INET, false, unix.EADDRNOTAVAIL},
		{"IPv6", "[2001:db8::7]:0", unix.AF_INET6, true, 0},
		{"IPv6 without", "[2001:db8::7]:0", unix.AF_INET6, false, unix.EADDRNOTAVAIL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fd, e := Socket(tt.family, unix.SOCK_DGRAM)
			if e != 0 {
				t.Skip("MISSING: ", e)
			}
			defer unix.Close(int(fd))
			target := &stream.Target{Local: stream.Addr{IP: netip.MustParseAddrPort(tt.local)}, Transparent: tt.transparent}
			op, e := Prepare(fd, target)
			if op == stream.OpTransparent && e == unix.EPERM {
				t.Skip("MISSING: CAP_NET_RAW: no socket is transparent")
			}
			if op != stream.OpBind || e != tt.want {
				t.Errorf("got %v, %v; want %v, %v", op, e, stream.OpBind, tt.want)
			}
		})
	}
}
