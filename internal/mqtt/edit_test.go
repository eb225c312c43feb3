package mqtt

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
)

// replacing returns Fields from a text for each field; "-" keeps the field.
func replacing(clientID, username, password string) Fields {
	field := func(text string) Field {
		if text == "-" {
			return Field{}
		}
		return Field{true, text}
	}
	return Fields{field(clientID), field(username), field(password)}
}

// edited returns the packet at the start of b with the new values.
func edited(t *testing.T, b []byte, f Fields) []byte {
	t.Helper()
	p := Split(b)
	if p.State != Done {
		t.Fatalf("%.40x: got state %d, want a packet", b, p.State)
	}
	e := p.Edit(f)
	out := e.AppendTo(nil)
	if len(out) != e.Size() {
		t.Errorf("%.40x: got %d bytes, announced %d", b, len(out), e.Size())
	}
	return out
}

// Each row encodes the expected packet as a client would.
func TestEdit(t *testing.T) {
	ann, pass := "ann", "pass"
	bob, word := "bob", "word"
	for _, protocol := range []packet{
		{name: "MQIsdp", level: 3, flags: 2, keepAlive: 30, id: "dev"},
		{name: "MQTT", level: 4, flags: 2, keepAlive: 30, id: "dev"},
		{name: "MQTT", level: 5, flags: 2, keepAlive: 30, id: "dev", props: bytes.Repeat([]byte{0x26, 0, 1, 'k', 0, 1, 'v'}, 3000)},
		{name: "MQTT", level: 4, flags: 0x3a, keepAlive: 1, id: "", will: &will{nil, "gone", "message\x00"}},
		{name: "MQTT", level: 5, flags: 0x12, keepAlive: 9, id: "dev", will: &will{make([]byte, 200), "gone", secret}},
	} {
		rows := []struct {
			name             string
			username         *string
			password         *string
			edit             Fields
			id               string
			wantName         *string
			wantPassword     *string
			wantPasswordOf31 *string // for levels 3 and 4
		}{
			{"nothing", &ann, &pass, Fields{}, protocol.id, &ann, &pass, &pass},
			{"client id", &ann, &pass, replacing("new", "-", "-"), "new", &ann, &pass, &pass},
			{"empty client id", nil, nil, replacing("", "-", "-"), "", nil, nil, nil},
			{"user name", &ann, &pass, replacing("-", "bob", "-"), protocol.id, &bob, &pass, &pass},
			{"password", &ann, &pass, replacing("-", "-", "word"), protocol.id, &ann, &word, &word},
			{"all", &ann, &pass, replacing("new", "bob", "word"), "new", &bob, &word, &word},
			{"all of a packet with none", nil, nil, replacing("new", "bob", "word"), "new", &bob, &word, &word},
			{"new user name", nil, nil, replacing("-", "bob", "-"), protocol.id, &bob, nil, nil},
			{"new password", &ann, nil, replacing("-", "-", "word"), protocol.id, &ann, &word, &word},
			{"new password without user name", nil, nil, replacing("-", "-", "word"), protocol.id, nil, &word, nil},
			{"no user name", &ann, &pass, replacing("-", "", "-"), protocol.id, nil, &pass, nil},
			{"no user name, new password", &ann, &pass, replacing("-", "", "word"), protocol.id, nil, &word, nil},
			{"no password", &ann, &pass, replacing("-", "-", ""), protocol.id, &ann, nil, nil},
			{"neither", &ann, &pass, replacing("-", "", ""), protocol.id, nil, nil, nil},
			{"neither of a packet with none", nil, nil, replacing("-", "", ""), protocol.id, nil, nil, nil},
			{"user name before a password", nil, &pass, replacing("-", "bob", "-"), protocol.id, &bob, &pass, &pass},
			{"client id of a password without user name", nil, &pass, replacing("new", "-", "-"), "new", nil, &pass, &pass},
			{"empty user name stays", &empty, &empty, replacing("new", "-", "-"), "new", &empty, &empty, &empty},
		}
		for _, r := range rows {
			from, want := protocol, protocol
			from.username, from.password = r.username, r.password
			want.id, want.username, want.password = r.id, r.wantName, r.wantPassword
			if protocol.level < 5 {
				want.password = r.wantPasswordOf31
			}
			if got := edited(t, from.encode(), r.edit); !bytes.Equal(got, want.encode()) {
				t.Errorf("level %d, %s: got\n%.200x\nwant\n%.200x", protocol.level, r.name, got, want.encode())
			}
		}
	}
}

// The remaining length has as many bytes as it needs.
func TestEditAcrossLengthBoundaries(t *testing.T) {
	p := packet{name: "MQTT", level: 4, id: ""}
	for _, n := range []int{0, 115, 116, 16371, 16372, 65535} { // 127 and 16383 bytes remain for 115 and 16371
		id := strings.Repeat("i", n)
		long := p
		long.id = id
		if got := edited(t, p.encode(), replacing(id, "-", "-")); !bytes.Equal(got, long.encode()) {
			t.Errorf("%d bytes: got %.20x, want %.20x", n, got, long.encode())
		}
		if got := edited(t, long.encode(), replacing("", "-", "-")); !bytes.Equal(got, p.encode()) {
			t.Errorf("%d bytes removed: got %.20x, want %.20x", n, got, p.encode())
		}
	}
}

// Unusual packets that are valid.
func TestEditUnusual(t *testing.T) {
	v31 := packet{name: "MQIsdp", level: 3, keepAlive: 30, id: "dev"}
	body := v31.body()
	flagged := fixedHeader(setFlags(body, "MQIsdp", flagUsername|flagPassword)) // both fields are missing
	bridge := packet{name: "MQTT", level: 0x84, id: "dev"}
	renamed, named := v31, v31
	renamed.id = "new"
	named.username = &ann
	bridgeRenamed := bridge
	bridgeRenamed.id = "new"
	for _, tt := range []struct {
		name        string
		input, want []byte
		f           Fields
	}{
		{"3.1 with flags and without fields", flagged, fixedHeader(setFlags(renamed.body(), "MQIsdp", flagUsername|flagPassword)), replacing("new", "-", "-")},
		{"3.1 with flags, new user name", flagged, fixedHeader(setFlags(named.body(), "MQIsdp", flagPassword)), replacing("-", "ann", "-")},
		{"3.1 with flags, new password", flagged, fixedHeader(setFlags(body, "MQIsdp", flagUsername)), replacing("-", "-", "word")},
		{"bridge", bridge.encode(), bridgeRenamed.encode(), replacing("new", "-", "-")},
		{"long form of the remaining length", append([]byte{0x10, byte(len(body)) | 0x80, 0x80, 0}, body...), renamed.encode(), replacing("new", "-", "-")},
		{"more after the packet", append(v31.encode(), 0xc0, 0), renamed.encode(), replacing("new", "-", "-")},
	} {
		if got := edited(t, tt.input, tt.f); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: got %x, want %x", tt.name, got, tt.want)
		}
	}
}

func TestSplitDeclines(t *testing.T) {
	whole := packet{name: "MQTT", level: 4, id: "dev", username: &ann, password: &ann}
	inputs := map[string][]byte{
		"bytes after the last field": fixedHeader(append(whole.body(), 0)),
		"no password":                fixedHeader(setFlags(packet{name: "MQTT", level: 4, id: "dev", username: &ann}.body(), "MQTT", flagPassword)),
		"password beyond the packet": append(fixedHeader(whole.body()[:len(whole.body())-1]), 'n', 'n'),
		"will beyond the packet":     fixedHeader(append(setFlags(packet{name: "MQTT", level: 4}.body(), "MQTT", flagWill), 0, 9)),
	}
	for _, r := range rows() {
		if r.state == Declined && r.name != "a bridge's level" {
			inputs[r.name] = r.input
		}
	}
	for name, input := range inputs {
		if p := Split(input); !reflect.DeepEqual(p, Packet{State: Declined}) {
			t.Errorf("%s: got %+v, want it declined", name, p)
		}
	}
}

// checkSplitCuts checks every prefix of b: no packet before its last byte, and no change of a decision.
func checkSplitCuts(t *testing.T, b []byte) {
	t.Helper()
	final := Split(b)
	for n := range len(b) {
		p := Split(b[:n:n])
		switch {
		case p.State == Declined && final.State != Declined,
			p.State == Done && (n < p.Size || !reflect.DeepEqual(p, final)),
			p.State == More && final.State == Done && n >= final.Size,
			p.State == More && p.Size != 0 && n >= p.Size,
			p.State == More && p.Size != 0 && final.State != Declined && p.Size != final.Size:
			t.Fatalf("%x, cut at %d: got %+v, then %+v", b, n, p, final)
		}
	}
}

func TestSplitOfEveryCut(t *testing.T) {
	for _, r := range rows() {
		checkSplitCuts(t, r.input[:min(len(r.input), 4096)])
	}
}

func TestCheckText(t *testing.T) {
	for _, tt := range []struct {
		text       string
		want, data error
	}{
		{"", nil, nil},
		{"dev-1 ✓ \U0001f511", nil, nil},
		{strings.Repeat("x", 65535), nil, nil},
		{strings.Repeat("x", 65536), ErrLong, ErrLong},
		{"a\x00b", ErrText, nil},
		{"\xff", ErrText, nil},
		{"\xed\xa0\x80", ErrText, nil}, // a surrogate
		{"\xc0\x80", ErrText, nil},     // NUL in two bytes
	} {
		if got, data := CheckText(tt.text), CheckData(tt.text); !errors.Is(got, tt.want) || !errors.Is(data, tt.data) {
			t.Errorf("%.20q: got %v and %v, want %v and %v", tt.text, got, data, tt.want, tt.data)
		}
	}
}

func TestEditDoesNotAllocate(t *testing.T) {
	input := packet{name: "MQTT", level: 5, id: "dev", will: &will{nil, "t", "gone"}, username: &ann}.encode()
	f := replacing("new", "bob", "word")
	room := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		p := Split(input)
		e := p.Edit(f)
		e.AppendTo(room)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// decoded returns a packet as another project decodes it.
func decoded(b []byte) (*packets.Packet, error) {
	fixed := packets.FixedHeader{Type: packets.Connect}
	n, used, err := packets.DecodeLength(bytes.NewReader(b[1:]))
	if err != nil {
		return nil, err
	}
	fixed.Remaining = n
	pk := &packets.Packet{FixedHeader: fixed}
	return pk, pk.ConnectDecode(b[1+used : 1+used+n])
}

// apply makes the changes of f in a decoded packet.
func apply(pk *packets.Packet, f Fields) {
	c := &pk.Connect
	if f.ClientID.Set {
		c.ClientIdentifier = f.ClientID.Text
	}
	if f.Username.Set {
		c.Username, c.UsernameFlag = []byte(f.Username.Text), f.Username.Text != ""
	}
	if f.Password.Set {
		c.Password, c.PasswordFlag = []byte(f.Password.Text), f.Password.Text != ""
	}
	if (f.Username.Set || f.Password.Set) && pk.ProtocolVersion < 5 && !c.UsernameFlag {
		c.Password, c.PasswordFlag = nil, false
	}
}

// FuzzEdit compares the result with that of another decoder: exactly the given fields have changed.
func FuzzEdit(f *testing.F) {
	for _, r := range rows() {
		f.Add(r.input[:min(len(r.input), 512)], "new", true, "bob", true, "word", true)
		f.Add(r.input[:min(len(r.input), 512)], "", true, "", true, "word", true)
		f.Add(r.input[:min(len(r.input), 512)], "new", false, "bob", true, "", true)
	}
	f.Fuzz(func(t *testing.T, b []byte, id string, setID bool, name string, setName bool, word string, setWord bool) {
		b = b[:min(len(b), 1024)]
		checkSplitCuts(t, b)
		p := Split(b)
		if p.State != Done || CheckText(id) != nil || CheckText(name) != nil || CheckData(word) != nil {
			return
		}
		fields := Fields{Field{setID, id}, Field{setName, name}, Field{setWord, word}}
		out := edited(t, b, fields)
		if again := Split(out); again.State != Done || again.Size != len(out) {
			t.Fatalf("%x: rewritten to %x, which is %+v", b, out, again)
		}
		want, err := decoded(b)
		if err != nil || p.Version != want.ProtocolVersion {
			return // a bridge, or content that only the other decoder examines
		}
		got, err := decoded(out)
		if err != nil {
			t.Fatalf("%x: rewritten to %x: %v", b, out, err)
		}
		apply(want, fields)
		got.FixedHeader, want.FixedHeader = packets.FixedHeader{}, packets.FixedHeader{}
		if !same(got, want) {
			t.Fatalf("%x: rewritten to %x:\ngot  %+v\nwant %+v", b, out, got.Connect, want.Connect)
		}
	})
}

// same compares decoded packets; a missing field is equal to an empty one, as its flag is compared
// too.
func same(a, b *packets.Packet) bool {
	for _, pk := range []*packets.Packet{a, b} {
		pk.Connect.Username = append([]byte{}, pk.Connect.Username...)
		pk.Connect.Password = append([]byte{}, pk.Connect.Password...)
	}
	return reflect.DeepEqual(a, b)
}
