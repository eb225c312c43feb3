package mqttpreread_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/modules/mqttpreread"
	"weir/stream/offline"
)

// packet is an MQTT 3.1.1 CONNECT; empty fields are omitted, except the identifier.
type packet struct{ id, will, username, password string }

func (p packet) encode() string {
	flags := byte(2)
	fields := []string{p.id}
	if p.will != "" {
		flags |= 4
		fields = append(fields, "topic", p.will)
	}
	if p.username != "" {
		flags |= 0x80
		fields = append(fields, p.username)
	}
	if p.password != "" {
		flags |= 0x40
		fields = append(fields, p.password)
	}
	body := append([]byte("\x00\x04MQTT\x04"), flags, 0, 60)
	for _, f := range fields {
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(f))), f...)
	}
	return string(append(binary.AppendUvarint([]byte{0x10}, uint64(len(body))), body...))
}

// session returns a session that prereads MQTT with a buffer of that size.
func session(t testing.TB, buffer int) (s *offline.Session, id, username int) {
	t.Helper()
	config := stream.NewConfig()
	for _, v := range mqttpreread.Variables() {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	id, username = config.Vars.Index("mqtt_preread_clientid"), config.Vars.Index("mqtt_preread_username")
	config.Vars.Resolve()
	server := &stream.Server{Content: offline.Echo{}, Settings: stream.Settings{PrereadBufferSize: buffer, PrereadTimeout: 30 * time.Second}}
	server.Handlers[stream.Preread] = []stream.Handler{mqttpreread.Handler{}}
	return offline.NewSession(t, &stream.Listen{Config: config, Default: server}), id, username
}

// shown returns a variable as text.
func shown(s *offline.Session, index int) string {
	text, ok := s.Value(index)
	if !ok {
		return "(not found)"
	}
	return text
}

const (
	defaultBuffer = 16 << 10
	notFound      = "(not found)"
)

func TestPreread(t *testing.T) {
	long := strings.Repeat("x", 60<<10)
	longest := strings.Repeat("i", 65535)
	tests := []struct {
		name         string
		input        string
		buffer       int
		id, username string
	}{
		{"identifier and user", packet{id: "mqttx_1", username: "ann", password: "secret"}.encode(), defaultBuffer, "mqttx_1", "ann"},
		{"identifier alone", packet{id: "mqttx_1"}.encode(), defaultBuffer, "mqttx_1", ""},
		{"empty identifier", packet{}.encode(), defaultBuffer, "", ""},
		{"will before the user", packet{id: "a", will: "gone", username: "ann"}.encode(), defaultBuffer, "a", "ann"},
		{"bytes behind the packet", packet{id: "a", username: "ann"}.encode() + "\xc0\x00", defaultBuffer, "a", "ann"},
		{"long password", packet{id: "a", username: "ann", password: long}.encode(), defaultBuffer, "a", "ann"},
		{"long will", packet{id: "a", will: long}.encode(), defaultBuffer, "a", ""},
		{"user out of reach behind a will", packet{id: "a", will: long, username: "ann"}.encode(), defaultBuffer, "a", ""},
		{"user within reach of a larger buffer", packet{id: "a", will: long, username: "ann"}.encode(), 64 << 10, "a", "ann"},
		{"user too long itself", packet{id: "a", username: long}.encode(), defaultBuffer, "a", ""},
		{"longest identifier", packet{id: longest, username: "ann"}.encode(), 128 << 10, longest, "ann"},
		{"control characters", packet{id: "a\x00\n\"\x1b", username: "\r\n"}.encode(), defaultBuffer, "a\x00\n\"\x1b", "\r\n"},
		{"bytes that are no text", packet{id: "\xff\xfe"}.encode(), defaultBuffer, "\xff\xfe", ""},
		{"MQTT 3.1", "\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", defaultBuffer, "a", ""},
		{"MQTT 5", "\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a", defaultBuffer, "a", ""},
		{"HTTP", "GET / HTTP/1.1\r\n", defaultBuffer, notFound, notFound},
		{"TLS", "\x16\x03\x01\x02\x00", defaultBuffer, notFound, notFound},
		{"another packet", "\xc0\x00", defaultBuffer, notFound, notFound},
		{"a forged length", "\x10\xff\xff\xff\xff\xff", defaultBuffer, notFound, notFound},
		{"an identifier beyond its packet", "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x09abcdefghi", defaultBuffer, notFound, notFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 7, 1448, 1 << 20} {
				s, id, username := session(t, tt.buffer)
				step, taken := s.Feed(tt.input, size)
				if step.Do != stream.Send || string(step.Out) != tt.input[:taken] {
					t.Fatalf("in pieces of %d: got step %d after %d bytes, want what was read to be sent", size, step.Do, taken)
				}
				if got, user := shown(s, id), shown(s, username); got != tt.id || user != tt.username {
					t.Errorf("in pieces of %d: got %.20q and %q, want %.20q and %q", size, got, user, tt.id, tt.username)
				}
				if line, _ := s.AppendValue(nil, id); tt.id != notFound && string(line) != tt.id {
					t.Errorf("appended %.20q, want %.20q", line, tt.id)
				}
			}
		})
	}
}

// TestNotEnough checks the end of sessions that never receive the complete identifier.
func TestNotEnough(t *testing.T) {
	whole := packet{id: "mqttx_1", username: "ann"}.encode()
	tests := []struct {
		name   string
		input  string
		event  stream.EventKind
		status stream.Status
		log    string
	}{
		{"nothing, until time is over", "", stream.TimedOut, 200, ""},
		{"nothing, and gone", "", stream.EOF, 200, ""},
		{"half of it, until time is over", whole[:14], stream.TimedOut, 200, ""},
		{"half of it, and gone", whole[:14], stream.EOF, 200, ""},
		{"all but the last byte", whole[:len(whole)-1], stream.EOF, 200, ""},
		{"an identifier that does not fit", packet{id: strings.Repeat("i", 65535)}.encode(), 0, 400, "preread buffer full"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, id, _ := session(t, defaultBuffer)
			step, taken := s.Feed(tt.input, 1448)
			if step.Do == stream.Read {
				step = s.Advance(stream.Event{Kind: tt.event})
			}
			if step.Do != stream.Finish || s.Status != tt.status || step.Reset != (taken > 0) {
				t.Errorf("got step %d, status %d, reset %v after %d bytes; want status %d", step.Do, s.Status, step.Reset, taken, tt.status)
			}
			if got := shown(s, id); got != notFound {
				t.Errorf("got identifier %.20q, want none", got)
			}
			if n := s.Lines.Count(tt.log); tt.log != "" && n != 1 || len(s.Lines.All()) > 2 {
				t.Errorf("got log %q, want %q once and no more", s.Lines.All(), tt.log)
			}
			if taken > defaultBuffer {
				t.Errorf("took %d bytes, more than the buffer holds", taken)
			}
		})
	}
}

// TestOpening checks when a CONNECT counts as the only data from the client.
func TestOpening(t *testing.T) {
	connect := packet{id: "a", username: "ann"}.encode()
	tests := []struct {
		name, head string
		want       bool
	}{
		{"CONNECT", connect, true},
		{"CONNECT with more", connect + "\xe0\x00", false},
		{"beginning of a CONNECT with a long password", packet{id: "a", username: "ann", password: "secret"}.encode()[:22], true},
		{"not MQTT", "GET / HTTP/1.0\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _, _ := session(t, 16384)
			s.Advance(stream.Event{Kind: stream.Accepted})
			if step := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte(tt.head)}); step.Do != stream.Send {
				t.Fatalf("got %s", offline.StepText(step, s.Clock.Now()))
			}
			if s.OnlyOpened() != tt.want {
				t.Errorf("got %v, want %v", s.OnlyOpened(), tt.want)
			}
		})
	}
}
