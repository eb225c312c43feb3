package udp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"weir/stream/driver/internal/poll"
)

// name returns a sockaddr of the given family, followed by the bytes of rest.
func name(family uint16, rest string) []byte {
	return append(binary.NativeEndian.AppendUint16(nil, family), rest...)
}

const v6 = "\x07\x5b\x01\x02\x03\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"

var nameRows = []struct {
	name             string
	raw              []byte
	unbound, hasFlow bool
}{
	{"IPv4", name(unix.AF_INET, "\x07\x5b\xc0\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false, false},
	{"IPv6", name(unix.AF_INET6, v6), false, true},
	{"unix", name(unix.AF_UNIX, "/run/client\x00"), false, false},
	{"unix, as long as an IPv6 address", name(unix.AF_UNIX, "/tmp/weir484670666/client\x00"), false, false},
	{"unix, without a name", name(unix.AF_UNIX, ""), true, false},
	{"unix, abstract", name(unix.AF_UNIX, "\x00abc"), true, false},
	{"nothing", nil, true, false},
}

// TestClientNames tests which names identify no client, and that a key has no flow information.
func TestClientNames(t *testing.T) {
	for _, row := range nameRows {
		if got := unbound(row.raw); got != row.unbound {
			t.Errorf("%s: got unbound %v", row.name, got)
		}
		cleared := bytes.Clone(row.raw)
		clearFlow(cleared)
		if changed := !bytes.Equal(row.raw, cleared); changed != row.hasFlow {
			t.Errorf("%s: %q has become %q", row.name, row.raw, cleared)
		}
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
			t.Errorf("after another message: got %v, want %v", got, want)
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

// FuzzClientName checks that no name is read past its end.
func FuzzClientName(f *testing.F) {
	for _, row := range nameRows {
		f.Add(row.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		clearFlow(raw)
		if unbound(raw) && poll.AddrOf(raw).Path != "" {
			t.Errorf("%q has a path and counts as unbound", raw)
		}
	})
}
