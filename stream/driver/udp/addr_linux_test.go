package udp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
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
	name    string
	raw     []byte
	want    stream.Addr
	unbound bool
}{
	{"IPv4", name(unix.AF_INET, "\x07\x5b\xc0\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00"),
		stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:1883")}, false},
	{"IPv6", name(unix.AF_INET6, v6), stream.Addr{IP: netip.MustParseAddrPort("[2001:db8::1]:1883")}, false},
	{"unix", name(unix.AF_UNIX, "/run/client\x00"), stream.UnixAddr("/run/client"), false},
	{"unix, without an end", name(unix.AF_UNIX, "/run/client"), stream.UnixAddr("/run/client"), false},
	{"unix, as long as an IPv6 address", name(unix.AF_UNIX, "/tmp/weir484670666/client\x00"), stream.UnixAddr("/tmp/weir484670666/client"), false},
	{"unix, without a name", name(unix.AF_UNIX, ""), stream.UnixAddr(""), true},
	{"unix, abstract", name(unix.AF_UNIX, "\x00abc"), stream.UnixAddr(""), true},
	{"nothing", nil, stream.UnixAddr(""), true},
	{"IPv4, cut short", name(unix.AF_INET, "\x07\x5b\xc0"), stream.UnixAddr("\x07[\xc0"), false},
}

func TestClientAddr(t *testing.T) {
	for _, row := range nameRows {
		t.Run(row.name, func(t *testing.T) {
			raw := bytes.Clone(row.raw)
			clearFlow(raw)
			if got := clientAddr(raw); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
			if got := unbound(raw); got != row.unbound {
				t.Errorf("got unbound %v", got)
			}
			if flow := len(raw) == len(row.raw) && !bytes.Equal(raw, row.raw); flow != (row.name == "IPv6") {
				t.Errorf("%q has become %q", row.raw, raw)
			}
		})
	}
}

// TestLocalAddr tests that the local address of a datagram can be used as the source of the answer.
func TestLocalAddr(t *testing.T) {
	for _, text := range []string{"192.0.2.1", "127.0.0.2", "2001:db8::1", "::ffff:192.0.2.1"} {
		want := netip.MustParseAddr(text)
		var room [controlSize]byte
		room[0] = 0xff
		control := putLocal(&room, want)
		if want.Is4() { // the kernel reports the header's address after the address to answer from
			copy(control[unix.CmsgLen(0)+8:], control[unix.CmsgLen(0)+4:unix.CmsgLen(0)+8])
		}
		if got := localAddr(control); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		other := append(message(unix.SOL_SOCKET, unix.SCM_TIMESTAMP, make([]byte, 16)), control...)
		if got := localAddr(other); got != want {
			t.Errorf("behind another message: got %v, want %v", got, want)
		}
	}
}

// message returns a control message.
func message(level, kind int32, body []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(body)))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(body))))
	binary.NativeEndian.PutUint32(b[8:], uint32(level))
	binary.NativeEndian.PutUint32(b[12:], uint32(kind))
	copy(b[unix.CmsgLen(0):], body)
	return b
}

// FuzzLocalAddr checks that no control data is read past its end.
func FuzzLocalAddr(f *testing.F) {
	f.Add([]byte{})
	f.Add(message(unix.IPPROTO_IP, unix.IP_PKTINFO, make([]byte, 12)))
	f.Add(message(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, make([]byte, 20)))
	f.Add(message(unix.IPPROTO_IP, unix.IP_PKTINFO, make([]byte, 3)))
	f.Add(append(message(unix.SOL_SOCKET, unix.SCM_TIMESTAMP, make([]byte, 16)), message(unix.IPPROTO_IP, unix.IP_PKTINFO, make([]byte, 12))...))
	f.Fuzz(func(t *testing.T, control []byte) {
		// The kernel aligns control data for a Cmsghdr.
		var room [256]byte
		localAddr(room[:copy(room[:], control)])
	})
}

// FuzzClientAddr checks that any name gives an address, and that an address that can be answered
// identifies its client.
func FuzzClientAddr(f *testing.F) {
	for _, row := range nameRows {
		f.Add(row.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		clearFlow(raw)
		a := clientAddr(raw)
		if !a.IsValid() {
			t.Fatalf("%q is no address", raw)
		}
		if a.Unix && a.Path == "" && len(raw) > 2 && raw[2] != 0 {
			t.Errorf("%q has lost its path", raw)
		}
		unbound(raw)
	})
}
