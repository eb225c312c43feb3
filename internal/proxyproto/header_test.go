package proxyproto

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// v2 returns a version 2 header with the given bytes 13 and 14.
func v2(command, family byte, body string) string {
	b := append([]byte(signature), command, family)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(body)))) + body
}

const (
	inetAddrs  = "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x09\x01\x00"
	inet6Addrs = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x00\x09\x01\x00"
)

// parseRow is one input and its expected result.
type parseRow struct {
	name   string
	input  string
	header *Header // nil if there is none
	rest   string  // the bytes after the header
	err    string  // nginx's sentence
}

var parseRows = []parseRow{
	{"v1", "PROXY TCP4 1.2.3.4 5.6.7.8 100 200\r\nhello", &Header{"1.2.3.4", "5.6.7.8", 100, 200, nil}, "hello", ""},
	{"v1 TCP6", "PROXY TCP6 2001:db8::1 ::1 100 200\r\n", &Header{"2001:db8::1", "::1", 100, 200, nil}, "", ""},
	{"v1 addresses as they were written", "PROXY TCP6 2001:DB8:0::1 0:0::1 1 2\r\n", &Header{"2001:DB8:0::1", "0:0::1", 1, 2, nil}, "", ""},
	{"v1 IPv4 text in TCP6", "PROXY TCP6 1.2.3.4 5.6.7.8 100 200\r\n", &Header{"1.2.3.4", "5.6.7.8", 100, 200, nil}, "", ""},
	{"v1 no addresses at all", "PROXY TCP4 abcd fff 1 2\r\n", &Header{"abcd", "fff", 1, 2, nil}, "", ""},
	{"v1 empty addresses", "PROXY TCP4   1 2\r\n", &Header{"", "", 1, 2, nil}, "", ""},
	{"v1 ports at their limits", "PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n", &Header{"1.2.3.4", "5.6.7.8", 0, 65535, nil}, "", ""},
	{"v1 port with zeros before it", "PROXY TCP4 1.2.3.4 5.6.7.8 00080 2\r\n", &Header{"1.2.3.4", "5.6.7.8", 80, 2, nil}, "", ""},
	{"v1 longer than the standard allows", "PROXY TCP4 " + strings.Repeat("1", 200) + " 5.6.7.8 1 2\r\n", &Header{strings.Repeat("1", 200), "5.6.7.8", 1, 2, nil}, "", ""},
	{"v1 UNKNOWN", "PROXY UNKNOWN\r\nhello", nil, "hello", ""},
	{"v1 UNKNOWN with anything", "PROXY UNKNOWNxyz\n zz\r\nhello\r\n", nil, "hello\r\n", ""},

	{"nothing", "", nil, "", `broken header: ""`},
	{"another protocol", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", nil, "", `broken header: "GET / HTTP/1.1"`},
	{"any bytes", "\x10\x0c\x00\xff\nabc", nil, "", "broken header: \"\x10\x0c\x00\xff\""},
	{"v1 in part", "PROXY TCP4 1.2.3.4 5.6", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6"`},
	{"v1 all but the LF", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1 2"`},
	{"v1 without CR", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1 2"`},
	{"v1 CR in the middle", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1 2"`},
	{"v1 UNKNOWN in part", "PROXY UNKNOWN", nil, "", `broken header: "PROXY UNKNOWN"`},
	{"v1 other family", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", nil, "", `broken header: "PROXY TCP5 1.2.3.4 5.6.7.8 1 2"`},
	{"v1 UDP", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", nil, "", `broken header: "PROXY UDP4 1.2.3.4 5.6.7.8 1 2"`},
	{"v1 host name", "PROXY TCP4 localhost 5.6.7.8 1 2\r\n", nil, "", `broken header: "PROXY TCP4 localhost 5.6.7.8 1 2"`},
	{"v1 zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", nil, "", `broken header: "PROXY TCP6 fe80::1%eth0 ::1 1 2"`},
	{"v1 two blanks before a port", "PROXY TCP4 1.2.3.4 5.6.7.8 1  2\r\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1  2"`},
	{"v1 empty port", "PROXY TCP4 1.2.3.4 5.6.7.8  2\r\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8  2"`},
	{"v1 port too large", "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2"`},
	{"v1 port with a sign", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2"`},
	{"v1 port in part a number", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2x\r\n", nil, "", `broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1 2x"`},

	{"v2", v2(0x21, 0x11, inetAddrs) + "hello", &Header{"1.2.3.4", "5.6.7.8", 9, 256, nil}, "hello", ""},
	{"v2 IPv6", v2(0x21, 0x21, inet6Addrs) + "hello", &Header{"2001:db8::1", "::1.2.3.4", 9, 256, nil}, "hello", ""},
	{"v2 with TLVs", v2(0x21, 0x11, inetAddrs+"\xea\x00\x01x") + "hello", &Header{"1.2.3.4", "5.6.7.8", 9, 256, []byte("\xea\x00\x01x")}, "hello", ""},
	{"v2 with half a TLV", v2(0x21, 0x11, inetAddrs+"\xea\x00"), &Header{"1.2.3.4", "5.6.7.8", 9, 256, []byte("\xea\x00")}, "", ""},
	{"v2 as long as may be", v2(0x21, 0x11, inetAddrs+strings.Repeat("\x04", MaxHeader-28)) + "hello",
		&Header{"1.2.3.4", "5.6.7.8", 9, 256, bytes.Repeat([]byte{4}, MaxHeader-28)}, "hello", ""},
	{"v2 LOCAL", v2(0x20, 0x00, "") + "hello", nil, "hello", ""},
	{"v2 LOCAL with addresses", v2(0x20, 0x11, inetAddrs) + "hello", nil, "hello", ""},
	{"v2 unknown command", v2(0x22, 0x11, inetAddrs) + "hello", nil, "hello", ""},
	{"v2 datagrams", v2(0x21, 0x12, inetAddrs) + "hello", nil, "hello", ""},
	{"v2 unknown transport", v2(0x21, 0x13, inetAddrs) + "hello", nil, "hello", ""},
	{"v2 unix sockets", v2(0x21, 0x31, strings.Repeat("u", 216)) + "hello", nil, "hello", ""},
	{"v2 unix sockets cut short", v2(0x21, 0x31, "xx") + "hello", nil, "hello", ""},
	{"v2 unknown family", v2(0x21, 0x51, "") + "hello", nil, "hello", ""},
	{"v2 other version", v2(0x31, 0x11, inetAddrs), nil, "", "unknown PROXY protocol version: 3"},
	{"v2 signature in part", signature, nil, "", `broken header: ""`},
	{"v2 without its length", v2(0x21, 0x11, inetAddrs)[:15], nil, "", `broken header: ""`},
	{"v2 in part", v2(0x21, 0x11, inetAddrs)[:20], nil, "", "header is too large"},
	{"v2 longer than may be", v2(0x21, 0x11, inetAddrs+strings.Repeat("\x04", MaxHeader-27)), nil, "", "header is too large"},
	{"v2 addresses cut short", v2(0x21, 0x11, inetAddrs[:11]), nil, "", ErrSilent.Error()},
	{"v2 IPv6 addresses cut short", v2(0x21, 0x21, inet6Addrs[:35]), nil, "", ErrSilent.Error()},
}

func TestParse(t *testing.T) {
	for _, r := range parseRows {
		t.Run(r.name, func(t *testing.T) {
			h, n, err := Parse([]byte(r.input))
			if text := errText(err); text != r.err {
				t.Fatalf("%q: got error %q, want %q", r.input, text, r.err)
			}
			if !equal(h, r.header) {
				t.Errorf("%q: got %+v, want %+v", r.input, h, r.header)
			}
			if err == nil && r.input[n:] != r.rest {
				t.Errorf("%q: got rest %q, want %q", r.input, r.input[n:], r.rest)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func equal(a, b *Header) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Client == b.Client && a.Server == b.Server && a.ClientPort == b.ClientPort && a.ServerPort == b.ServerPort &&
		bytes.Equal(a.tlvs, b.tlvs)
}

// A Header stays valid after its buffer changes.
func TestParseKeepsNothing(t *testing.T) {
	for _, r := range parseRows {
		b := []byte(r.input)
		h, _, _ := Parse(b)
		clear(b)
		if !equal(h, r.header) {
			t.Errorf("%s: got %+v, want %+v", r.name, h, r.header)
		}
	}
}

// A partial header is an error, wherever it is cut: Parse does not wait.
func TestParseOfEveryCut(t *testing.T) {
	for _, r := range parseRows {
		if r.err != "" {
			continue
		}
		size := len(r.input) - len(r.rest)
		for n := range size {
			if h, _, err := Parse([]byte(r.input[:n])); err == nil {
				t.Fatalf("%s: cut at %d got %+v, want an error", r.name, n, h)
			}
		}
	}
}

// TestPartial checks that Partial accepts each prefix of a header, and refuses data that cannot
// become a header.
func TestPartial(t *testing.T) {
	for _, header := range []string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP6 2001:db8::1 ::1 65535 1\r\n", "PROXY UNKNOWN\r\n", "PROXY UNKNOWN a b\n c\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x00\x51",
	} {
		for n := range header {
			if !Partial([]byte(header[:n])) {
				t.Errorf("%q is no beginning", header[:n])
			}
		}
		if Partial([]byte(header)) {
			t.Errorf("%q is the beginning of a header", header)
		}
	}
	for _, text := range []string{
		"hello", "PROXY  ", "PROXY TCP5", "PROXY TCP4 192.0.2.1\n", "PROXY TCP4 192.0.2.1 \r1", "PROXY TCP4 x", "\r\n\r\nx",
		"\r\n\r\n\x00\r\nQUIT\n\x11", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", "PROXY UNKNOWN" + strings.Repeat(" ", MaxHeader),
	} {
		if Partial([]byte(text)) {
			t.Errorf("%q is waited for", text[:min(len(text), 40)])
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range parseRows {
		f.Add([]byte(r.input), "ssl_cn")
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		h, n, err := Parse(b)
		if err != nil {
			if h != nil || n != 0 {
				t.Errorf("%q: got %+v, %d and error %v", b, h, n, err)
			}
			return
		}
		if n < 8 || n > min(len(b), MaxHeader) {
			t.Errorf("%q: got length %d", b, n)
		}
		if again, m, err := Parse(b[:n]); err != nil || m != n || !equal(again, h) {
			t.Errorf("%q: alone got %+v, %d, %v; want %+v, %d", b[:n], again, m, err, h, n)
		}
		if _, ok, err := h.TLV(name); ok && err != nil {
			t.Errorf("%q: TLV %q is found with error %v", b, name, err)
		}
		if h != nil && b[0] == signature[0] {
			checkLibrary(t, b[:n], h)
		}
	})
}

// checkLibrary compares the addresses of a version 2 header with those that go-proxyproto reads.
func checkLibrary(t *testing.T, b []byte, h *Header) {
	t.Helper()
	raw, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(b), MaxHeader))
	if err != nil {
		t.Fatalf("%q: the library reads %v", b, err)
	}
	client, server, _ := raw.TCPAddrs()
	text := func(a *net.TCPAddr) string {
		ip, _ := netip.AddrFromSlice(a.IP)
		return string(AppendAddr(nil, ip))
	}
	want := &Header{text(client), text(server), uint16(client.Port), uint16(server.Port), h.tlvs}
	if !equal(h, want) {
		t.Errorf("%q: got %+v, the library %+v", b, h, want)
	}
}

func TestErrors(t *testing.T) {
	if _, _, err := Parse([]byte(v2(0x21, 0x11, ""))); !errors.Is(err, ErrSilent) {
		t.Errorf("got %v, want ErrSilent", err)
	}
	if _, _, err := Parse([]byte(v2(0x21, 0x11, inetAddrs)[:16])); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct{ name, input string }{
		{"v1", "PROXY TCP4 192.0.2.123 198.51.100.45 56324 1883\r\n"},
		{"v2", v2(0x21, 0x11, inetAddrs+"\x03\x00\x04abcd")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			input := []byte(bb.input)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Parse(input); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
