package mqtt

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

// packet describes a CONNECT for encode.
type packet struct {
	name      string
	level     byte
	flags     byte // in addition to those of the fields below
	keepAlive uint16
	props     []byte // 5.0 only, without their length
	id        string
	will      *will
	username  *string
	password  *string
}

type will struct {
	props          []byte // 5.0 only, without their length
	topic, message string
}

// encode encodes the packet as a client does.
func (p packet) encode() []byte { return fixedHeader(p.body()) }

func (p packet) body() []byte {
	flags := p.flags
	if p.will != nil {
		flags |= flagWill
	}
	if p.username != nil {
		flags |= flagUsername
	}
	if p.password != nil {
		flags |= 0x40
	}
	b := appendString(nil, p.name)
	b = append(b, p.level, flags)
	b = binary.BigEndian.AppendUint16(b, p.keepAlive)
	if p.level == 5 {
		b = append(binary.AppendUvarint(b, uint64(len(p.props))), p.props...)
	}
	b = appendString(b, p.id)
	if p.will != nil {
		if p.level == 5 {
			b = append(binary.AppendUvarint(b, uint64(len(p.will.props))), p.will.props...)
		}
		b = appendString(appendString(b, p.will.topic), p.will.message)
	}
	for _, s := range []*string{p.username, p.password} {
		if s != nil {
			b = appendString(b, *s)
		}
	}
	return b
}

func fixedHeader(body []byte) []byte {
	return append(binary.AppendUvarint([]byte{0x10}, uint64(len(body))), body...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

var (
	ann    = "ann"
	empty  = ""
	secret = strings.Repeat("s", 60<<10)
)

// row is one input and its expected result.
type row struct {
	name     string
	input    []byte
	state    State
	version  byte
	id       string
	username string // "-" means none
}

// rows returns the cases of this package, which the table test, the cut test and the fuzzer use.
func rows() []row {
	v311 := packet{name: "MQTT", level: 4, flags: 0x02, keepAlive: 30, id: "dev1"}
	v5 := packet{name: "MQTT", level: 5, flags: 0x02, keepAlive: 30, id: "dev5"}
	v31 := packet{name: "MQIsdp", level: 3, flags: 0x02, keepAlive: 30, id: "dev3"}
	with := func(p packet, change func(*packet)) []byte {
		change(&p)
		return p.encode()
	}
	body := v311.body()
	named := with(v311, func(p *packet) { p.username = &ann })

	return append([]row{
		{"3.1.1", v311.encode(), Done, 4, "dev1", "-"},
		{"3.1", v31.encode(), Done, 3, "dev3", "-"},
		{"5.0", v5.encode(), Done, 5, "dev5", "-"},
		{"5.0 with properties", with(v5, func(p *packet) { p.props = []byte{0x11, 0, 0, 0, 60, 0x21, 0, 10} }), Done, 5, "dev5", "-"},
		{"user name", named, Done, 4, "dev1", "ann"},
		{"empty user name", with(v311, func(p *packet) { p.username = &empty }), Done, 4, "dev1", ""},
		{"user name and password", with(v311, func(p *packet) { p.username, p.password = &ann, &secret }), Done, 4, "dev1", "ann"},
		{"password without user name", with(v311, func(p *packet) { p.password = &secret }), Done, 4, "dev1", "-"},
		{"user name behind a will", with(v311, func(p *packet) { p.username, p.will = &ann, &will{nil, "t", "gone"} }), Done, 4, "dev1", "ann"},
		{"user name behind an empty will", with(v311, func(p *packet) { p.username, p.will = &ann, &will{} }), Done, 4, "dev1", "ann"},
		{"user name behind a 5.0 will", with(v5, func(p *packet) { p.username, p.will = &ann, &will{make([]byte, 200), "t", "gone"} }), Done, 5, "dev5", "ann"},
		{"will without user name", with(v5, func(p *packet) { p.will = &will{nil, "t", secret} }), Done, 5, "dev5", "-"},
		{"will of quality 3", with(v311, func(p *packet) { p.flags, p.will, p.username = 0x18, &will{nil, "t", "m"}, &ann }), Done, 4, "dev1", "ann"},
		{"empty client id", with(v311, func(p *packet) { p.id = "" }), Done, 4, "", "-"},
		{"empty client id and user name", with(v5, func(p *packet) { p.id, p.username = "", &empty }), Done, 5, "", ""},
		{"client id of any bytes", with(v311, func(p *packet) { p.id = "\x00\"'\xff✓" }), Done, 4, "\x00\"'\xff✓", "-"},
		{"something behind the packet", append(v311.encode(), 0xc0, 0), Done, 4, "dev1", "-"},
		{"remaining length of three bytes where one will do", append([]byte{0x10, byte(len(body)) | 0x80, 0x80, 0}, body...), Done, 4, "dev1", "-"},
		{"3.1 whose user name is missing at the end", fixedHeader(setFlags(v31.body(), "MQIsdp", flagUsername)), Done, 3, "dev3", "-"},
		{"3.1 with a user name", with(v31, func(p *packet) { p.username = &ann }), Done, 3, "dev3", "ann"},
	}, declinedRows(v311, v5, v31, named)...)
}

// declinedRows are inputs that are not a CONNECT, or a contradictory one.
func declinedRows(v311, v5, v31 packet, named []byte) []row {
	with := func(p packet, change func(*packet)) []byte {
		change(&p)
		return p.encode()
	}
	declined := func(name string, input []byte) row { return row{name, input, Declined, 0, "", "-"} }
	body := v311.body()
	return []row{
		declined("PINGREQ", []byte{0xc0, 0}),
		declined("TLS", []byte("\x16\x03\x01\x02\x00\x01")),
		declined("HTTP", []byte("GET /mqtt HTTP/1.1\r\n")),
		declined("CONNECT with reserved header flags", append([]byte{0x18}, v311.encode()[1:]...)),
		declined("remaining length of five bytes", append([]byte{0x10, 0x80, 0x80, 0x80, 0x80, 0x01}, body...)),
		declined("empty packet", []byte{0x10, 0}),
		declined("packet without room for a protocol name", []byte{0x10, 5, 0, 4}),
		declined("unknown protocol name", with(v311, func(p *packet) { p.name = "MQTX" })),
		declined("unknown length of the protocol name", with(v311, func(p *packet) { p.name = "MQ" })),
		declined("level 3 of MQTT", with(v311, func(p *packet) { p.level = 3 })),
		declined("level 4 of MQIsdp", with(v31, func(p *packet) { p.level = 4 })),
		declined("level 6", with(v311, func(p *packet) { p.level = 6 })),
		declined("level 0", with(v311, func(p *packet) { p.level = 0 })),
		declined("a bridge's level", with(v311, func(p *packet) { p.level = 0x84 })),
		declined("reserved connect flag", with(v311, func(p *packet) { p.flags = 0x03 })),
		declined("no client id", fixedHeader(body[:10])),
		declined("half a length of the client id", fixedHeader(body[:11])),
		declined("client id beyond the packet", append(fixedHeader(body[:len(body)-1]), "1 and more"...)),
		declined("user name flag without user name", fixedHeader(setFlags(body, "MQTT", flagUsername))),
		declined("5.0 user name flag without user name", fixedHeader(setFlags(v5.body(), "MQTT", flagUsername))),
		declined("user name beyond the packet", append(fixedHeader(named[2:len(named)-1]), "nnnnn"...)),
		declined("3.1 with half a length of the user name", fixedHeader(append(setFlags(v31.body(), "MQIsdp", flagUsername), 0))),
		declined("will flag without will", fixedHeader(setFlags(body, "MQTT", flagUsername|flagWill))),
		declined("will topic beyond the packet", fixedHeader(append(setFlags(body, "MQTT", flagUsername|flagWill), 0, 9, 't'))),
		declined("properties beyond the packet", fixedHeader(setByte(v5.body(), 10, 0x7f))),
		declined("property length of five bytes", fixedHeader(append(v5.body()[:10], 0x80, 0x80, 0x80, 0x80, 0, 0, 0))),
		declined("will properties beyond the packet", fixedHeader(append(setFlags(v5.body(), "MQTT", flagUsername|flagWill), 1))),
	}
}

// setByte changes one byte of a body.
func setByte(body []byte, at int, value byte) []byte {
	b := bytes.Clone(body)
	b[at] = value
	return b
}

// setFlags sets connect flags in a body without adding the corresponding fields.
func setFlags(body []byte, name string, flags byte) []byte {
	at := 2 + len(name) + 1
	return setByte(body, at, body[at]|flags)
}

func (r row) check(t *testing.T, c Connect) {
	t.Helper()
	username := "-"
	if c.HasUsername {
		username = string(c.Username)
	}
	if c.State != r.state || c.Version != r.version || string(c.ClientID) != r.id || username != r.username {
		t.Errorf("%.40x: got state %d, version %d, id %q, user name %q; want %d, %d, %q, %q",
			r.input, c.State, c.Version, c.ClientID, username, r.state, r.version, r.id, r.username)
	}
	if done := r.state == Done; c.HasClientID != done || (c.Size != 0) != done || (c.KeepAlive == 30) != done {
		t.Errorf("%.40x: got %+v", r.input, c)
	}
}

func TestParse(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) { r.check(t, Parse(r.input)) })
	}
}

// The result does not depend on how the input is cut, more bytes do not change a decision, and Need
// is correct.
func TestParseOfEveryCut(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) { checkCuts(t, r.input[:min(len(r.input), 4096)], Parse(r.input)) })
	}
}

// checkCuts compares the result of parsing every prefix of b with final, the result of parsing all
// of b or more.
func checkCuts(t *testing.T, b []byte, final Connect) {
	t.Helper()
	need := 0
	for n := range len(b) + 1 {
		c := Parse(b[:n:n])
		switch c.State {
		case More:
			if c.Need <= n || c.Need < need {
				t.Fatalf("%x, cut at %d: needs %d, before it needed %d", b, n, c.Need, need)
			}
			if c.HasClientID && final.State == Done && !bytes.Equal(c.ClientID, final.ClientID) {
				t.Fatalf("%x, cut at %d: early id %q, then %q", b, n, c.ClientID, final.ClientID)
			}
			need = c.Need
		case Done:
			if n < need || !reflect.DeepEqual(c, final) {
				t.Fatalf("%x, cut at %d: got %+v, then %+v", b, n, c, final)
			}
		case Declined:
			if !reflect.DeepEqual(c, final) {
				t.Fatalf("%x, cut at %d: declined, then %+v", b, n, final)
			}
		}
	}
}

// Input that cannot become a CONNECT is declined at the first byte that shows it, so that other
// protocols need not wait.
func TestParseDeclinesAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		input string
		more  int // the number of bytes that may still become a CONNECT
	}{
		{"other packet", "\xc0", 0},
		{"reserved header flags", "\x11", 0},
		{"fourth byte of the length is not the last", "\x10\x80\x80\x80\x80", 4},
		{"first byte of the name's length", "\x10\x10\x01", 2},
		{"second byte of the name's length", "\x10\x10\x00\x05", 3},
		{"name", "\x10\x10\x00\x04MX", 5},
		{"3.1 name", "\x10\x10\x00\x06MQT", 6},
		{"level", "\x10\x10\x00\x04MQTT\x03", 8},
		{"reserved connect flag", "\x10\x10\x00\x04MQTT\x04\x03", 9},
		{"client id that does not fit", "\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x05", 13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := range len(tt.input) + 1 {
				want := More
				if n > tt.more {
					want = Declined
				}
				if c := Parse([]byte(tt.input[:n])); c.State != want {
					t.Errorf("%q: got state %d, want %d", tt.input[:n], c.State, want)
				}
			}
		})
	}
}

// A large will puts the user name out of reach of a buffer of the usual size, but not the client
// identifier, and Need shows it early.
func TestParseBehindALargeWill(t *testing.T) {
	b := packet{name: "MQTT", level: 4, keepAlive: 30, id: "dev1", will: &will{nil, "t", secret}, username: &ann}.encode()
	c := Parse(b[:100])
	if c.State != More || string(c.ClientID) != "dev1" || !c.HasClientID || c.HasUsername {
		t.Errorf("got %+v, want more, with the client id", c)
	}
	if want := len(b) - len("ann"); c.Need != want || c.Size != len(b) {
		t.Errorf("got need %d, size %d; want %d, %d", c.Need, c.Size, want, len(b))
	}
	if c := Parse(b); c.State != Done || string(c.Username) != "ann" {
		t.Errorf("got %+v, want done, with the user name", c)
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	for _, r := range rows() {
		if got := testing.AllocsPerRun(10, func() { Parse(r.input) }); got != 0 {
			t.Errorf("%s: %v allocations, want 0", r.name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range rows() {
		f.Add(r.input[:min(len(r.input), 512)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 1024)]
		checkCuts(t, b, Parse(b))
	})
}

func BenchmarkParse(b *testing.B) {
	input := packet{name: "MQTT", level: 5, keepAlive: 30, id: "sensor-0123456789", will: &will{nil, "t", "gone"}, username: &ann}.encode()
	b.ReportAllocs()
	for b.Loop() {
		if c := Parse(input); c.State != Done {
			b.Fatal(c.State)
		}
	}
}
