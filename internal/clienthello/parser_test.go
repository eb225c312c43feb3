package clienthello

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// hello describes a ClientHello for encode.
type hello struct {
	version    Version
	session    int // the length of the session identifier
	suites     int // the number of cipher suites
	extensions [][]byte
	bare       bool // without extensions, not even their length
}

// message encodes the handshake message without its header.
func (h hello) message() []byte {
	b := append([]byte{h.version[0], h.version[1]}, make([]byte, 32)...)
	b = append(append(b, byte(h.session)), make([]byte, h.session)...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(2*h.suites)), make([]byte, 2*h.suites)...)
	b = append(b, 1, 0)
	if h.bare {
		return b
	}
	return append(b, vector16(bytes.Join(h.extensions, nil))...)
}

// encode encodes the ClientHello in one record.
func (h hello) encode() []byte { return record(handshake(h.message())) }

// handshake adds the header of a ClientHello message.
func handshake(message []byte) []byte {
	n := len(message)
	return append([]byte{typeClientHello, byte(n >> 16), byte(n >> 8), byte(n)}, message...)
}

func record(content []byte) []byte { return append([]byte{22, 3, 1}, vector16(content)...) }

// records spreads content over records of at most n bytes.
func records(content []byte, n int) (b []byte) {
	for ; len(content) > n; content = content[n:] {
		b = append(b, record(content[:n])...)
	}
	return append(b, record(content)...)
}

// vector16 adds a length of two bytes.
func vector16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func extension(kind uint16, content []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, kind), vector16(content)...)
}

// sni is the extension server_name with one host_name.
func sni(name string) []byte {
	return extension(0, vector16(append([]byte{0}, vector16([]byte(name))...)))
}

func alpn(protocols ...string) []byte {
	var list []byte
	for _, p := range protocols {
		list = append(append(list, byte(len(p))), p...)
	}
	return extension(16, vector16(list))
}

// versions is the extension supported_versions.
func versions(list ...byte) []byte { return extension(43, append([]byte{byte(len(list))}, list...)) }

var (
	tls12 = Version{3, 3}
	tls13 = versions(3, 4, 3, 3)
	long  = strings.Repeat("n", 65000)
)

// result is the state of a Parser, and its values as nginx's variables show them.
type result struct {
	state                    State
	version, name, protocols string
}

// parse continues p with head.
func parse(p *Parser, head []byte) result {
	state := p.Parse(head)
	return result{state, p.Version().String(), string(p.AppendServerName(nil, head)), string(p.AppendProtocols(nil, head))}
}

// row is one input and its expected result.
type row struct {
	name  string
	input []byte
	want  result
}

// rows returns the cases of this package, which the table test, the cut test and the fuzzer use.
func rows() []row {
	with := func(extensions ...[]byte) []byte {
		return hello{version: tls12, session: 32, suites: 20, extensions: extensions}.encode()
	}
	full := hello{version: tls12, session: 32, suites: 20, extensions: [][]byte{sni("a.example.com"), extension(10, make([]byte, 40)), alpn("mqtt", "h2"), tls13}}
	done := func(version, name, protocols string) result { return result{Done, version, name, protocols} }
	return append([]row{
		{"TLS 1.3", full.encode(), done("TLSv1.3", "a.example.com", "mqtt,h2")},
		{"TLS 1.2", with(sni("a.example.com"), alpn("mqtt")), done("TLSv1.2", "a.example.com", "mqtt")},
		{"TLS 1.1", hello{version: Version{3, 2}, bare: true}.encode(), done("TLSv1.1", "", "")},
		{"TLS 1.0", hello{version: Version{3, 1}, bare: true}.encode(), done("TLSv1", "", "")},
		{"SSL 3.0", hello{version: Version{3, 0}, bare: true}.encode(), done("SSLv3", "", "")},
		{"unknown version", hello{version: Version{3, 9}, bare: true}.encode(), done("", "", "")},
		{"SSL 2.0 in a record of TLS", hello{version: Version{0, 2}, bare: true}.encode(), done("SSLv2", "", "")},
		{"no extensions", hello{version: tls12}.encode(), done("TLSv1.2", "", "")},
		{"supported_versions without 1.3", with(versions(3, 3)), done("TLSv1.3", "", "")},
		{"empty supported_versions", with(versions(), sni("a")), done("TLSv1.3", "a", "")},
		{"protocols before the name", with(alpn("mqtt", "x"), sni("a.example")), done("TLSv1.2", "a.example", "mqtt,x")},
		{"empty name", with(sni(""), tls13), done("TLSv1.3", "", "")},
		{"name of any bytes", with(sni("\x00 \xff,\n")), done("TLSv1.2", "\x00 \xff,\n", "")},
		{"long name", records(handshake(hello{version: tls12, extensions: [][]byte{sni(long)}}.message()), 1<<14), done("TLSv1.2", long, "")},
		{"second name of the list", with(extension(0, vector16([]byte("\x00\x00\x01a\x00\x00\x01b"))), alpn("x")), done("TLSv1.2", "a", "x")},
		{"second extension of names", with(sni("a"), sni("b")), done("TLSv1.2", "a", "")},
		{"second extension of names after an empty name", with(sni(""), sni("b")), done("TLSv1.2", "", "")},
		{"second extension of protocols", with(alpn("a"), alpn("b")), done("TLSv1.2", "", "a")},
		{"protocol with a comma", with(alpn("a,b", "c")), done("TLSv1.2", "", "a,b,c")},
		{"padding of 16 KiB", with(sni("a"), extension(21, make([]byte, 16<<10)), alpn("x")), done("TLSv1.2", "a", "x")},
		{"large key share", with(sni("a"), extension(51, make([]byte, 1300)), tls13), done("TLSv1.3", "a", "")},
		{"records of 1 byte", records(handshake(full.message()), 1), done("TLSv1.3", "a.example.com", "mqtt,h2")},
		{"records of 7 bytes", records(handshake(full.message()), 7), done("TLSv1.3", "a.example.com", "mqtt,h2")},
		{"empty records", append(record(nil), append(record(nil), full.encode()...)...), done("TLSv1.3", "a.example.com", "mqtt,h2")},
		{"bytes after the message", append(full.encode(), 0x17, 3, 3, 0, 9), done("TLSv1.3", "a.example.com", "mqtt,h2")},
		{"bytes after the message in its record", record(append(handshake(full.message()), 14, 0, 0, 0)), done("TLSv1.3", "a.example.com", "mqtt,h2")},
		{"another length of an extension", with([]byte("\x00\x10\x7f\xff\x00\x02\x01x"), sni("a")), done("TLSv1.2", "a", "x")},
		{"record of SSL 3.4", append([]byte{22, 3, 4}, full.encode()[3:]...), done("TLSv1.3", "a.example.com", "mqtt,h2")},
	}, append(version2Rows(full), append(moreRows(full), declinedRows(full)...)...)...)
}

func version2Rows(full hello) []row {
	whole := handshake(full.message())
	begun := record(whole[:bytes.Index(whole, []byte("h2"))])
	return []row{
		{"SSL 2.0", []byte("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), result{Version2, "SSLv2", "", ""}},
		{"format of SSL 2.0 for TLS 1.2", []byte("\x80\x2e\x01\x03\x03\x00\x15"), result{Version2, "TLSv1.2", "", ""}},
		{"format of SSL 2.0 for an unknown version", []byte("\x80\x2e\x01\x00\x03\x00"), result{Version2, "", "", ""}},
		{"format of SSL 2.0 after a record", append(begun, "\x80\x2e\x01\x03\x01"...), result{Version2, "TLSv1", "a.example.com", "mqtt,"}},
	}
}

// moreRows are inputs that end too early.
func moreRows(full hello) []row {
	whole := handshake(full.message())
	name, protocols := bytes.Index(whole, []byte("a.example")), bytes.Index(whole, []byte("\x02h2"))
	more := func(name string, input []byte, version, server, protocols string) row {
		return row{name, input, result{More, version, server, protocols}}
	}
	return []row{
		more("nothing", nil, "", "", ""),
		more("four bytes", []byte("GET "), "", "", ""),
		more("all but the last byte", full.encode()[:len(full.encode())-1], "", "", ""),
		more("empty record", record(nil), "", "", ""),
		more("record that ends in the name", record(whole[:name+2]), "TLSv1.2", "", ""),
		more("record that ends after the first protocol", record(whole[:protocols]), "TLSv1.2", "a.example.com", "mqtt,"),
		more("record that ends in the second protocol", record(whole[:protocols+2]), "TLSv1.2", "a.example.com", "mqtt,"),
		more("message longer than its record", record(append([]byte{1, 0xff, 0xff, 0xff}, full.message()[:60]...)), "TLSv1.2", "", ""),
	}
}

// declinedRows are inputs that are not a ClientHello, or a contradictory one.
func declinedRows(full hello) []row {
	with := func(extensions ...[]byte) []byte {
		return hello{version: tls12, suites: 1, extensions: extensions}.encode()
	}
	declined := func(name string, input []byte) row { return row{name, input, result{state: Declined}} }
	whole := handshake(full.message())
	return []row{
		declined("MQTT", []byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04dev1")),
		declined("HTTP", []byte("GET / HTTP/1.1\r\n")),
		declined("alert", []byte("\x15\x03\x01\x00\x02\x02\x28")),
		declined("application data", []byte("\x17\x03\x03\x00\x10")),
		declined("record of SSL 2.0", []byte("\x16\x02\x00\x00\x10")),
		declined("format of SSL 2.0 with another type", []byte("\x80\x2e\x04\x00\x02")),
		declined("format of SSL 2.0 with another version", []byte("\x80\x2e\x01\x01\x02")),
		declined("ServerHello", record(append([]byte{2}, whole[1:]...))),
		declined("application data within the message", append(record(whole[:50]), 0x17, 3, 3, 0, 0)),
		declined("empty message", record([]byte{1, 0, 0, 0})),
		declined("message that ends in the random", record(handshake(full.message()[:20]))),
		declined("message that ends before the session identifier", record(handshake(full.message()[:34]))),
		declined("session identifier beyond the message", record(handshake(append(full.message()[:34], 255, 0)))),
		declined("message that ends in the cipher suites", record(handshake(full.message()[:80]))),
		declined("message that ends in an extension", record(handshake(full.message()[:130]))),
		declined("one byte of extensions", record(handshake(append(hello{version: tls12, bare: true}.message(), 0)))),
		declined("extension beyond the message", with([]byte{0, 10, 0, 9, 1})),
		declined("name of another type", with(extension(0, vector16([]byte("\x01\x00\x01a"))))),
		declined("name beyond its list", with(extension(0, []byte("\x00\x05\x00\x00\x03abc")))),
		declined("name beyond the message", with(extension(0, []byte("\x0f\xff\x00\x0f\x00abc")))),
		declined("list of names beyond the message", with(extension(0, []byte("\x0f\xff\x00\x00\x03abc")))),
		declined("empty list of names", with(extension(0, []byte("\x00\x00")), tls13)),
		declined("list of protocols without end", with(extension(16, []byte("\x00\x03\x01a")))),
		declined("empty list of protocols", with(extension(16, []byte("\x00\x00")), tls13)),
		declined("empty protocol", with(extension(16, []byte("\x00\x03\x01a\x00")))),
		declined("protocol beyond its list", with(extension(16, []byte("\x00\x03\x03abc")))),
		declined("supported_versions beyond the message", with(extension(43, []byte{9, 3, 4}))),
	}
}

func TestParse(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			got := parse(&Parser{}, r.input)
			if got.state == Declined {
				got = result{state: Declined} // the values mean nothing
			}
			if got != r.want {
				t.Errorf("got %.80q, want %.80q", got, r.want)
			}
		})
	}
}

func TestCuts(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) { checkCuts(t, r.input[:min(len(r.input), 2048)]) })
	}
}

// checkCuts tests that the pieces in which b arrives make no difference: at each length, a Parser
// that has seen each shorter one, a copy of it, and a new one agree.
func checkCuts(t *testing.T, b []byte) {
	t.Helper()
	var step Parser
	for n := range len(b) + 1 {
		copied := step
		want := parse(&Parser{}, b[:n])
		if got := parse(&step, bytes.Clone(b[:n])); got != want {
			t.Fatalf("after %d bytes one by one: got %q, want %q", n, got, want)
		}
		if got := parse(&copied, b[:n]); got != want {
			t.Fatalf("a copy after %d bytes: got %q, want %q", n, got, want)
		}
		if want.state != More {
			return
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	input := hello{version: tls12, session: 32, suites: 20, extensions: [][]byte{sni("broker.example.com"), alpn("mqtt"), tls13}}.encode()
	allocs := testing.AllocsPerRun(100, func() {
		var room [64]byte
		var p Parser
		if p.Parse(input) != Done || len(p.AppendProtocols(p.AppendServerName(room[:0], input), input)) != len("broker.example.commqtt") {
			t.Error("not done")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkParse(b *testing.B) {
	small := hello{version: tls12, session: 32, suites: 20, extensions: [][]byte{sni("broker.example.com"), extension(10, make([]byte, 20)), alpn("mqtt"), tls13}}
	large := small
	large.extensions = append(large.extensions, extension(51, make([]byte, 1300)))
	for _, bb := range []struct {
		name  string
		input []byte
	}{
		{"classic", small.encode()},
		{"post-quantum", large.encode()},
		{"records of 64 bytes", records(handshake(large.message()), 64)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var room [64]byte
				var p Parser
				if p.Parse(bb.input) != Done || len(p.AppendServerName(room[:0], bb.input)) == 0 {
					b.Fatal("not done")
				}
			}
		})
	}
}

// BenchmarkParseBytewise parses a hello of many records that arrives byte by byte, the most work
// that a client can cause.
func BenchmarkParseBytewise(b *testing.B) {
	full := hello{version: tls12, extensions: [][]byte{extension(21, make([]byte, 2400)), sni("a")}}
	input := records(handshake(full.message()), 1)
	b.ReportAllocs()
	for b.Loop() {
		var p Parser
		for n := range input {
			p.Parse(input[:n+1])
		}
	}
}
