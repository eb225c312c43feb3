package sslpreread_test

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/modules/sslpreread"
	"weir/stream/offline"
)

// clientHello is the message of a client that supports TLS 1.2 and, with a key share, TLS 1.3. Empty
// fields are omitted.
type clientHello struct{ name, protocol, keyShare string }

func (h clientHello) message() string {
	extensions := ""
	if h.name != "" {
		extensions += "\x00\x00" + sized(sized("\x00"+sized(h.name)))
	}
	if h.protocol != "" {
		extensions += "\x00\x10" + sized(sized(string(rune(len(h.protocol)))+h.protocol))
	}
	if h.keyShare != "" {
		extensions += "\x00\x33" + sized(h.keyShare) + "\x00\x2b\x00\x03\x02\x03\x04"
	}
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x02\xc0\x2b" + "\x01\x00" + sized(extensions)
	return "\x01\x00" + sized(body)
}

// records encodes the message in records of at most n bytes.
func (h clientHello) records(n int) (out string) {
	rest := h.message()
	for ; len(rest) > n; rest = rest[n:] {
		out += "\x16\x03\x01" + sized(rest[:n])
	}
	return out + "\x16\x03\x01" + sized(rest)
}

func (h clientHello) encode() string { return h.records(1 << 14) }

// sized adds a length of two bytes.
func sized(text string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(text)))) + text
}

// reply is a content that sends a text and ends.
type reply string

func (r reply) Begin(*stream.Session) stream.Step {
	return stream.Step{Do: stream.Send, Out: []byte(r)}
}

func (reply) Next(s *stream.Session, _ stream.Event) stream.Step { return s.Finish(stream.StatusOK) }

// prereading is a server that prereads TLS with a buffer of that size.
func prereading(content string, buffer int) *stream.Server {
	server := &stream.Server{Content: reply(content),
		Settings: stream.Settings{PrereadBufferSize: buffer, PrereadTimeout: 30 * time.Second}}
	server.Handlers[stream.Preread] = []stream.Handler{sslpreread.Handler{}}
	return server
}

// session returns a session of a listen whose servers are "default" and, for the name b.example,
// "named".
func session(t testing.TB, buffer int) *offline.Session {
	t.Helper()
	config := stream.NewConfig()
	for _, v := range sslpreread.Variables() {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range variables {
		config.Vars.Index(v)
	}
	config.Vars.Resolve()
	names := &stream.ServerNames{}
	if err := names.Add("b.example", prereading("named", buffer)); err != nil {
		t.Fatal(err)
	}
	return offline.NewSession(t, &stream.Listen{Config: config, Default: prereading("default", buffer), Names: names})
}

var variables = []string{"ssl_preread_protocol", "ssl_preread_server_name", "ssl_preread_alpn_protocols"}

// values returns the three variables, or - for those that are not found.
func values(s *offline.Session) string {
	var all []string
	for _, v := range variables {
		text, ok := s.Value(s.Listen.Config.Vars.Index(v))
		if !ok {
			text = "-"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

const (
	defaultBuffer = 16 << 10
	notFound      = "- - -"
)

func TestPreread(t *testing.T) {
	full := clientHello{name: "a.example", protocol: "mqtt", keyShare: strings.Repeat("k", 1200)}
	named := clientHello{name: "b.example", keyShare: "k"}
	tests := []struct {
		name   string
		input  string
		values string
		server string
	}{
		{"TLS 1.3", full.encode(), "TLSv1.3 a.example mqtt", "default"},
		{"TLS 1.2", clientHello{name: "a.example"}.encode(), "TLSv1.2 a.example ", "default"},
		{"without extensions", clientHello{}.encode(), "TLSv1.2  ", "default"},
		{"another server", named.encode(), "TLSv1.3 b.example ", "named"},
		{"another server, as it may be written", clientHello{name: "B.Example.", protocol: "x"}.encode(), "TLSv1.2 B.Example. x", "named"},
		{"invalid name", clientHello{name: "b.example/"}.encode(), "TLSv1.2 b.example/ ", "default"},
		{"records of 10 bytes", full.records(10), "TLSv1.3 a.example mqtt", "default"},
		{"another server, records of 10 bytes", named.records(10), "TLSv1.3 b.example ", "named"},
		{"bytes after the message", full.encode() + "early data", "TLSv1.3 a.example mqtt", "default"},
		{"largest name", clientHello{name: strings.Repeat("n", 16000)}.encode(), "TLSv1.2 " + strings.Repeat("n", 16000) + " ", "default"},
		{"SSL 2.0", "\x80\x2e\x01\x00\x02\x00\x15", "SSLv2  ", "default"},
		{"SSL 2.0 after the name", named.records(70)[:75] + "\x80\x2e\x01\x00\x02", "SSLv2 b.example ", "default"},
		{"MQTT", "\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04dev1", notFound, "default"},
		{"an error in the second record", full.records(50)[:55] + "\x17\x03\x03\x00\x00", notFound, "default"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 7, 1448, 1 << 20} {
				s := session(t, defaultBuffer)
				step, _ := s.Feed(tt.input, size)
				if step.Do != stream.Send || string(step.Out) != tt.server {
					t.Fatalf("in pieces of %d: got step %d with %q, want the server %s", size, step.Do, step.Out, tt.server)
				}
				if got := values(s); got != tt.values {
					t.Errorf("in pieces of %d: got %.80q, want %.80q", size, got, tt.values)
				}
			}
		})
	}
}

// TestNotEnough checks the end of sessions that never receive the complete ClientHello, and the
// variables that their logs show.
func TestNotEnough(t *testing.T) {
	full := clientHello{name: "a.example", protocol: "mqtt"}
	tests := []struct {
		name   string
		input  string
		event  stream.EventKind
		status stream.Status
		log    string
		values string
	}{
		{"nothing until the timeout", "", stream.TimedOut, 200, "", notFound},
		{"nothing, and EOF", "", stream.EOF, 200, "", notFound},
		{"four bytes of another protocol", "GET ", stream.EOF, 200, "", "  "},
		{"half of it until the timeout", full.encode()[:20], stream.TimedOut, 200, "", "  "},
		{"all but the last byte", full.encode()[:len(full.encode())-1], stream.EOF, 200, "", "  "},
		{"first record of two", full.records(70)[:75], stream.EOF, 200, "", "TLSv1.2 a.example "},
		{"record that does not fit", "\x16\x03\x01\x40\x00" + strings.Repeat("\x00", 1<<14), 0, 400, "preread buffer full", "  "},
		{"records that do not end", strings.Repeat("\x16\x03\x01\x00\x00", 4000), 0, 400, "preread buffer full", "  "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := session(t, defaultBuffer)
			step, taken := s.Feed(tt.input, 1448)
			if step.Do == stream.Read {
				step = s.Advance(stream.Event{Kind: tt.event})
			}
			if step.Do != stream.Finish || s.Status != tt.status || step.Reset != (taken > 0) {
				t.Errorf("got step %d, status %d, reset %v after %d bytes; want status %d", step.Do, s.Status, step.Reset, taken, tt.status)
			}
			if got := values(s); got != tt.values {
				t.Errorf("got %q, want %q", got, tt.values)
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

// TestExactFit checks that a ClientHello may fill the buffer.
func TestExactFit(t *testing.T) {
	input := clientHello{name: "a.example"}.encode()
	for size, want := range map[int]stream.StepKind{len(input): stream.Send, len(input) - 1: stream.Finish} {
		if step, _ := session(t, size).Feed(input, 1448); step.Do != want {
			t.Errorf("with a buffer of %d bytes: got step %d, want %d", size, step.Do, want)
		}
	}
}

// TestBeforePreread checks that a value that is missing before the preread is found after it.
func TestBeforePreread(t *testing.T) {
	s := session(t, defaultBuffer)
	s.Advance(stream.Event{Kind: stream.Accepted})
	if got := values(s); got != notFound {
		t.Errorf("before the preread: got %q", got)
	}
	s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte(clientHello{name: "a.example"}.encode())})
	if got := values(s); got != "TLSv1.2 a.example " {
		t.Errorf("after the preread: got %q", got)
	}
}

// fresh returns a session like s in which no module has kept anything.
func fresh(s *offline.Session) *stream.Session {
	return &stream.Session{Server: s.Server, Listen: s.Listen, Client: s.Client, Env: s.Env}
}

// TestAllocations limits the allocations for a ClientHello that arrives in two pieces of one record:
// the list of modules, the values and their text.
func TestAllocations(t *testing.T) {
	input := []byte(clientHello{name: "broker.example.com", protocol: "mqtt", keyShare: strings.Repeat("k", 1200)}.encode())
	s := session(t, defaultBuffer)
	allocs := testing.AllocsPerRun(100, func() {
		again := fresh(s)
		for _, n := range []int{1000, len(input)} {
			again.Head = input[:n]
			if _, err := (sslpreread.Handler{}).Handle(again); err != nil {
				t.Error(err)
			}
		}
	})
	want := 3.0
	if strconv.IntSize == 32 {
		want = 4 // other size classes
	}
	if allocs > want {
		t.Errorf("got %v allocations, want at most %v", allocs, want)
	}
}

func BenchmarkHandle(b *testing.B) {
	input := []byte(clientHello{name: "broker.example.com", protocol: "mqtt", keyShare: strings.Repeat("k", 1200)}.encode())
	s := session(b, defaultBuffer)
	b.ReportAllocs()
	for b.Loop() {
		again := fresh(s)
		again.Head = input
		if v, _ := (sslpreread.Handler{}).Handle(again); v != stream.Done {
			b.Fatal(v)
		}
	}
}
