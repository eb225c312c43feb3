package poll

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// name returns a sockaddr of the given family, followed by the bytes of rest.
func name(family uint16, rest string) []byte {
	return append(binary.NativeEndian.AppendUint16(nil, family), rest...)
}

const v6 = "\x07\x5b\x01\x02\x03\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"

var nameRows = []struct {
	name string
	raw  []byte
	want stream.Addr
}{
	{
		"IPv4", name(unix.AF_INET, "\x07\x5b\xc0\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00"),
		stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:1883")},
	},
	{"IPv6", name(unix.AF_INET6, v6), stream.Addr{IP: netip.MustParseAddrPort("[2001:db8::1]:1883")}},
	{"unix", name(unix.AF_UNIX, "/run/client\x00"), stream.UnixAddr("/run/client")},
	{"unix, without an end", name(unix.AF_UNIX, "/run/client"), stream.UnixAddr("/run/client")},
	{"unix, as long as an IPv6 address", name(unix.AF_UNIX, "/tmp/weir484670666/client\x00"), stream.UnixAddr("/tmp/weir484670666/client")},
	{"unix, without a name", name(unix.AF_UNIX, ""), stream.UnixAddr("")},
	{"unix, abstract", name(unix.AF_UNIX, "\x00abc"), stream.UnixAddr("")},
	{"nothing", nil, stream.UnixAddr("")},
	{"IPv4, cut short", name(unix.AF_INET, "\x07\x5b\xc0"), stream.UnixAddr("\x07[\xc0")},
}

func TestAddrOf(t *testing.T) {
	for _, row := range nameRows {
		if got := AddrOf(row.raw); got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

// TestSockaddr tests that an address that is set is the address of the Sockaddr.
func TestSockaddr(t *testing.T) {
	longest := "/" + strings.Repeat("x", 107)
	for _, want := range []stream.Addr{
		{IP: netip.MustParseAddrPort("192.0.2.1:1883")}, {IP: netip.MustParseAddrPort("[2001:db8::1]:1883")},
		stream.UnixAddr("/run/server"), stream.UnixAddr(longest), stream.UnixAddr(""),
	} {
		var sa Sockaddr
		sa.Set(stream.UnixAddr(longest))
		sa.Set(want)
		if got := sa.Addr(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// FuzzAddrOf checks that any name gives an address, and that an address that can be answered
// identifies its client.
func FuzzAddrOf(f *testing.F) {
	for _, row := range nameRows {
		f.Add(row.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := AddrOf(raw)
		if !a.IsValid() {
			t.Fatalf("%q is no address", raw)
		}
		if a.Unix && a.Path == "" && len(raw) > 2 && raw[2] != 0 {
			t.Errorf("%q has lost its path", raw)
		}
	})
}
