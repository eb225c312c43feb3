package mqtt

import (
	"bytes"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
)

// connackRow is one input of ParseConnack and its expected result.
type connackRow struct {
	name  string
	input string
	want  Connack
}

func connackRows() []connackRow {
	declined := Connack{State: Declined}
	return []connackRow{
		{"accepted", "\x20\x02\x00\x00", Connack{Done, false, 0}},
		{"accepted with a session", "\x20\x02\x01\x00", Connack{Done, true, 0}},
		{"bad user name or password", "\x20\x02\x00\x04", Connack{Done, false, 4}},
		{"not authorized", "\x20\x02\x00\x05", Connack{Done, false, 5}},
		{"5.0 accepted", "\x20\x03\x00\x00\x00", Connack{Done, false, 0}},
		{"5.0 accepted with properties and more", "\x20\x06\x01\x00\x03\x21\x00\x0a\xd0\x00", Connack{Done, true, 0}},
		{"5.0 not authorized", "\x20\x03\x00\x87\x00", Connack{Done, false, 0x87}},
		{"5.0 with long properties", "\x20\xc8\x01\x00\x86\xc5\x01", Connack{Done, false, 0x86}},
		{"5.0 without a property length", "\x20\x02\x00\x9f", Connack{Done, false, 0x9f}},
		{"length of four bytes", "\x20\x82\x80\x80\x00\x00\x05", Connack{Done, false, 5}},
		{"PUBLISH", "\x30\x02\x00\x00", declined},
		{"AUTH", "\xf0\x02\x18\x00", declined},
		{"reserved header flags", "\x21\x02\x00\x00", declined},
		{"reserved flags", "\x20\x02\x02\x00", declined},
		{"reserved code", "\x20\x02\x00\x06", declined},
		{"no code", "\x20\x01\x00", declined},
		{"nothing", "\x20\x00", declined},
		{"length of five bytes", "\x20\x80\x80\x80\x80\x01\x00\x00", declined},
		{"text", "HTTP/1.1 400 Bad Request\r\n", declined},
	}
}

func TestParseConnack(t *testing.T) {
	for _, r := range connackRows() {
		if got := ParseConnack([]byte(r.input)); got != r.want {
			t.Errorf("%s: got %+v, want %+v", r.name, got, r.want)
		}
		if got, want := r.want.Accepted(), r.want.State == Done && r.want.Code == 0; got != want {
			t.Errorf("%s: accepted: %v, want %v", r.name, got, want)
		}
		checkConnackCuts(t, []byte(r.input))
	}
}

// checkConnackCuts checks that more bytes do not change a decision, and that the first seven decide.
func checkConnackCuts(t *testing.T, b []byte) {
	t.Helper()
	final := ParseConnack(b)
	for n := range len(b) + 1 {
		got := ParseConnack(b[:n:n])
		if got.State != More && got != final || got.State == More && (got != Connack{} || n >= 7) {
			t.Fatalf("%x, cut at %d: got %+v, then %+v", b, n, got, final)
		}
	}
}

func TestParseConnackDoesNotAllocate(t *testing.T) {
	input := []byte("\x20\x03\x00\x87\x00")
	if n := testing.AllocsPerRun(100, func() { ParseConnack(input) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzParseConnack encodes a CONNACK by another encoder, which must be decoded as such, and decodes
// any bytes.
func FuzzParseConnack(f *testing.F) {
	for _, r := range connackRows() {
		f.Add([]byte(r.input), byte(5), byte(0x87), true, "reason")
	}
	f.Fuzz(func(t *testing.T, b []byte, version, code byte, present bool, reason string) {
		checkConnackCuts(t, b[:min(len(b), 1024)])
		version = 3 + version%3
		if !isCode(code) {
			return
		}
		pk := packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Connack}, ProtocolVersion: version, ReasonCode: code, SessionPresent: present,
			Properties: packets.Properties{ReasonString: reason}, Mods: packets.Mods{AllowResponseInfo: true},
		}
		var out bytes.Buffer
		if err := pk.ConnackEncode(&out); err != nil {
			return
		}
		if got, want := ParseConnack(out.Bytes()), (Connack{Done, present, code}); got != want {
			t.Fatalf("%x: got %+v, want %+v", out.Bytes(), got, want)
		}
	})
}
