package proxyproto

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"
)

// addrPort is netip.MustParseAddrPort, except that "" gives the invalid AddrPort.
func addrPort(s string) netip.AddrPort {
	if s == "" {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(s)
}

func TestAppendV1(t *testing.T) {
	for _, tt := range []struct{ name, client, server, want string }{
		{"IPv4", "192.0.2.1:40000", "198.51.100.2:1883", "PROXY TCP4 192.0.2.1 198.51.100.2 40000 1883\r\n"},
		{"IPv6", "[2001:db8::1]:40000", "[2001:db8::2]:1883", "PROXY TCP6 2001:db8::1 2001:db8::2 40000 1883\r\n"},
		{"IPv4 client of an IPv6 listener", "[::ffff:192.0.2.1]:1", "[::ffff:198.51.100.2]:2", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 1 2\r\n"},
		{"IPv6 client by realip", "[2001:db8::1]:1", "198.51.100.2:2", "PROXY TCP6 2001:db8::1 198.51.100.2 1 2\r\n"},
		{"IPv4 client by realip", "192.0.2.1:1", "[2001:db8::2]:2", "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n"},
		{"zone", "[fe80::1%eth0]:1", "[fe80::2%eth0]:2", "PROXY TCP6 fe80::1 fe80::2 1 2\r\n"},
		{"ports at their limits", "192.0.2.1:0", "198.51.100.2:65535", "PROXY TCP4 192.0.2.1 198.51.100.2 0 65535\r\n"},
		{"longest", "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", "[2001:db8:1111:2222:3333:4444:5555:7777]:65535",
			"PROXY TCP6 2001:db8:1111:2222:3333:4444:5555:6666 2001:db8:1111:2222:3333:4444:5555:7777 65535 65535\r\n"},
		{"unix", "", "", "PROXY UNKNOWN\r\n"},
		{"unix client, IP server", "", "198.51.100.2:2", "PROXY UNKNOWN\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendV1([]byte("x"), addrPort(tt.client), addrPort(tt.server))); got != "x"+tt.want {
				t.Errorf("got %q, want %q behind an x", got, tt.want)
			}
		})
	}
}

func TestAppendV1Unix(t *testing.T) {
	for _, tt := range []struct{ name, client, want string }{
		{"IPv4 client by realip", "192.0.2.1:100", "PROXY TCP4 192.0.2.1 unix:/run/weir.sock 100 0\r\n"},
		{"IPv6 client by realip", "[2001:db8::1]:100", "PROXY TCP6 2001:db8::1 unix:/run/weir.sock 100 0\r\n"},
		{"client without address", "", "PROXY UNKNOWN\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendV1Unix(nil, addrPort(tt.client), "/run/weir.sock")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// If client and server have the same family, the line is identical to go-proxyproto's.
func TestAppendV1AgreesWithTheLibrary(t *testing.T) {
	for _, tt := range []struct {
		client, server string
		transport      proxyproto.AddressFamilyAndProtocol
	}{
		{"192.0.2.1:40000", "198.51.100.2:1883", proxyproto.TCPv4},
		{"[2001:db8::1]:40000", "[::1]:1883", proxyproto.TCPv6},
		{"[::ffff:192.0.2.1]:40000", "[::ffff:198.51.100.2]:1883", proxyproto.TCPv6},
	} {
		client, server := addrPort(tt.client), addrPort(tt.server)
		h := proxyproto.Header{Version: 1, Command: proxyproto.PROXY, TransportProtocol: tt.transport,
			SourceAddr: net.TCPAddrFromAddrPort(client), DestinationAddr: net.TCPAddrFromAddrPort(server)}
		want, err := h.Format()
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendV1(nil, client, server); !bytes.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAppendV2(t *testing.T) {
	const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"
	const v6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	for _, tt := range []struct{ name, client, server, want string }{
		{"IPv4", "1.2.3.4:9", "5.6.7.8:256", "\x21\x11\x00\x13" + inetAddrs},
		{"IPv6", "[2001:db8::1]:9", "[2001:db8::1]:256", "\x21\x21\x00\x2b" + v6 + v6 + "\x00\x09\x01\x00"},
		{"both mapped", "[::ffff:1.2.3.4]:9", "[::ffff:5.6.7.8]:256", "\x21\x11\x00\x13" + inetAddrs},
		{"IPv4 and mapped", "1.2.3.4:9", "[::ffff:5.6.7.8]:256", "\x21\x21\x00\x2b" + mapped + "\x01\x02\x03\x04" + mapped + "\x05\x06\x07\x08" + "\x00\x09\x01\x00"},
		{"mapped client", "[::ffff:1.2.3.4]:9", "[2001:db8::1]:256", "\x21\x21\x00\x2b" + mapped + "\x01\x02\x03\x04" + v6 + "\x00\x09\x01\x00"},
		{"IPv4 client", "1.2.3.4:9", "[2001:db8::1]:256", "\x21\x21\x00\x2b" + mapped + "\x01\x02\x03\x04" + v6 + "\x00\x09\x01\x00"},
		{"IPv4 server", "[2001:db8::1]:9", "5.6.7.8:256", "\x21\x21\x00\x2b" + v6 + mapped + "\x05\x06\x07\x08" + "\x00\x09\x01\x00"},
		{"zone", "[2001:db8::1%eth0]:9", "[2001:db8::1]:256", "\x21\x21\x00\x2b" + v6 + v6 + "\x00\x09\x01\x00"},
		{"unix", "", "", "\x20\x00\x00\x07"},
		{"unix server", "1.2.3.4:9", "", "\x20\x00\x00\x07"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := []byte(signature + tt.want + "\x03\x00\x04\x00\x00\x00\x00")
			sum := crc32.Checksum(want, crc32.MakeTable(crc32.Castagnoli))
			binary.BigEndian.PutUint32(want[len(want)-4:], sum)
			if got := AppendV2([]byte("x"), addrPort(tt.client), addrPort(tt.server), nil); string(got) != "x"+string(want) {
				t.Errorf("got %q, want %q behind an x", got, want)
			}
		})
	}
}

// The library and Parse read written headers back with the same addresses.
func TestWrittenHeadersAreRead(t *testing.T) {
	for name, write := range map[string]func([]byte, netip.AddrPort, netip.AddrPort) []byte{
		"v1": AppendV1,
		"v2": func(b []byte, client, server netip.AddrPort) []byte { return AppendV2(b, client, server, nil) },
	} {
		for _, pair := range [][2]string{
			{"192.0.2.1:40000", "198.51.100.2:1883"},
			{"[2001:db8::1]:40000", "[::1]:1883"},
		} {
			t.Run(name+" "+pair[0], func(t *testing.T) {
				client, server := addrPort(pair[0]), addrPort(pair[1])
				b := write(nil, client, server)
				raw, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(b)))
				if err != nil {
					t.Fatalf("%q: %v", b, err)
				}
				if raw.SourceAddr.String() != pair[0] || raw.DestinationAddr.String() != pair[1] {
					t.Errorf("%q: the library reads %v, %v", b, raw.SourceAddr, raw.DestinationAddr)
				}
				h, n, err := Parse(b)
				if err != nil || n != len(b) || h.Client != client.Addr().String() || h.ServerPort != server.Port() {
					t.Errorf("%q: got %+v, %d, %v", b, h, n, err)
				}
			})
		}
	}
}

func TestAppendV1DoesNotAllocate(t *testing.T) {
	client, server := addrPort("[2001:db8::1%eth0]:40000"), addrPort("[::1.2.3.4]:1883")
	scratch := make([]byte, 0, 128)
	if got := testing.AllocsPerRun(100, func() {
		AppendV1(scratch, client, server)
		AppendV1Unix(scratch, client, "/run/weir.sock")
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	client, server := addrPort("192.0.2.1:40000"), addrPort("198.51.100.2:1883")
	scratch := make([]byte, 0, 128)
	b.Run("v1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			AppendV1(scratch, client, server)
		}
	})
	b.Run("v2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			AppendV2(scratch, client, server, nil)
		}
	})
}

// The header for datagrams differs from the header for TCP in its transport, and so in its
// checksum.
func TestAppendV2UDP(t *testing.T) {
	rows := []struct {
		name, client, server string
		transport            byte
	}{
		{"IPv4", "192.0.2.1:1", "192.0.2.2:2", 0x12},
		{"IPv6", "[2001:db8::1]:1", "[::1]:2", 0x22},
		{"mapped", "[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:2", 0x12},
		{"mapped and IPv4", "[::ffff:192.0.2.1]:1", "192.0.2.2:2", 0x22},
		{"none", "", "", 0x00},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			client, server := addrPort(row.client), addrPort(row.server)
			got, stream := AppendV2UDP(nil, client, server), AppendV2(nil, client, server, nil)
			if got[13] != row.transport {
				t.Errorf("got transport %#x, want %#x", got[13], row.transport)
			}
			got[13] = stream[13]
			checksum := len(got) - 4
			if string(got[:checksum]) != string(stream[:checksum]) {
				t.Errorf("got %q, want %q", got, stream)
			}
		})
	}
}
