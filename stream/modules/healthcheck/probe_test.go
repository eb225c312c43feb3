package healthcheck

import (
	"bytes"
	"testing"

	"weir/internal/mqtt"
	"weir/internal/regex"
	"weir/stream"
)

func compile(t *testing.T, pattern string, fold bool) *regex.Regexp {
	t.Helper()
	re, err := regex.Compile(pattern, fold)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

// TestMatch has responses with their verdicts: pending, passed or failed.
func TestMatch(t *testing.T) {
	hello := &Match{Expect: []byte("hello")}
	ok := &Match{Regex: compile(t, "200 ok", true)}
	binaryText := &Match{Regex: compile(t, `\x80\x00$`, false)}
	for _, tt := range []struct {
		name     string
		probe    Probe
		response string
		end      End
		want     Verdict
	}{
		{"connected", &Match{}, "", Open, Passed},
		{"literal, nothing yet", hello, "", Open, Pending},
		{"literal, a part", hello, "hel", Open, Pending},
		{"literal, a part and the end", hello, "hel", Closed, Pending},
		{"literal, a part and no room", hello, "hel", Full, Failed},
		{"literal, complete", hello, "hello", Open, Passed},
		{"literal, and more", hello, "hello, world", Open, Passed},
		{"literal, not at the beginning", hello, "oh hello", Open, Failed},
		{"literal, other", hello, "hex", Open, Failed},
		{"regex, nothing yet", ok, "", Open, Pending},
		{"regex, anywhere, without case", ok, "HTTP/1.0 200 OK\r\n", Open, Passed},
		{"regex, other", ok, "HTTP/1.0 500 NO\r\n", Open, Pending},
		{"regex, other, and no room", ok, "HTTP/1.0 500 NO\r\n", Full, Failed},
		{"regex of bytes", binaryText, "x\x80\x00", Open, Passed},
		{"regex of other bytes", binaryText, "x\x81\x00", Open, Pending},
		{"datagram, nothing", &DatagramMatch{}, "", Open, Pending},
		{"datagram, nothing in time", &DatagramMatch{}, "", Expired, Passed},
		{"datagram, any response", &DatagramMatch{}, "x", Open, Passed},
		{"datagram, expected and missing", &DatagramMatch{*hello}, "", Expired, Pending},
		{"datagram, expected", &DatagramMatch{*hello}, "hello", Open, Passed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := tt.probe.Judge([]byte(tt.response), tt.end); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestDatagramRequest checks nginx's default request of datagrams.
func TestDatagramRequest(t *testing.T) {
	if got := string((&DatagramMatch{}).Request(stream.Addr{})); got != "nginx health check" {
		t.Errorf("got %q", got)
	}
	if got := string((&DatagramMatch{Match{Send: []byte("ping")}}).Request(stream.Addr{})); got != "ping" {
		t.Errorf("got %q", got)
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		`plain`: "plain", `\x00\xfF`: "\x00\xff", `a\x41b`: "aAb", `\x4`: `\x4`, `\xzz`: `\xzz`, `\\x41`: `\A`, `\`: `\`, "": "",
	} {
		if got := string(Literal(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestMQTTRequest reads the CONNECT with the parser of clients' packets.
func TestMQTTRequest(t *testing.T) {
	m := &MQTT{Login: mqtt.Login{ClientID: "check", Username: "ann", HasUsername: true}}
	b := m.Request(stream.Addr{})
	got := mqtt.Parse(b)
	if got.State != mqtt.Done || string(got.ClientID) != "check" || string(got.Username) != "ann" || got.KeepAlive != keepAlive || got.Size != len(b) {
		t.Errorf("%x is %+v", b, got)
	}
	m.ClientID = ""
	if got := mqtt.Parse(m.Request(stream.Addr{})); !bytes.HasPrefix(got.ClientID, []byte("weir")) || m.ClientID != "" {
		t.Errorf("got %+v", got)
	}
}

// TestMQTTClientID checks that identifiers of servers, machines and checks differ and are short
// enough for every broker.
func TestMQTTClientID(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []MQTT{{}, {Seed: "host"}, {Random: 7}} {
		for _, to := range []stream.Addr{stream.UnixAddr("/a"), stream.UnixAddr("/b")} {
			id := c.clientID(to)
			if seen[id] || len(id) > 23 {
				t.Errorf("%+v at %v: identifier %q", c, to, id)
			}
			seen[id] = true
		}
	}
}

func TestMQTTJudge(t *testing.T) {
	for _, tt := range []struct {
		response string
		end      End
		want     Verdict
		reason   string
	}{
		{"", Open, Pending, ""},
		{"\x20", Open, Pending, ""},
		{"\x20\x02", Open, Pending, ""},
		{"\x20\x02\x00", Open, Pending, ""},
		{"\x20\x02\x00\x00", Open, Passed, ""},
		{"\x20\x02\x01\x00", Open, Passed, ""},
		{"\x20\x02\x00\x05", Open, Failed, "MQTT CONNACK with code 5"},
		{"\x20\x03\x00\x87\x00", Open, Failed, "MQTT CONNACK with code 135"},
		{"\x20\x83\x00\x00\x00", Open, Passed, ""},
		{"\x20\x80\x80\x01\x00\x00", Open, Passed, ""},
		{"\x20\x02\x02\x00", Open, Failed, "invalid MQTT CONNACK"},
		{"\x20\x01\x00\x00", Open, Failed, "invalid MQTT CONNACK"},
		{"\x20\xff\xff\xff\xff", Open, Failed, "invalid MQTT CONNACK"},
		{"\x30\x02\x00\x00", Open, Failed, "invalid MQTT CONNACK"},
		{"HTTP/1.1 400", Open, Failed, "invalid MQTT CONNACK"},
		{"\x20\x80\x80\x80", Full, Failed, "invalid MQTT CONNACK"},
		{"\x20\x02", Closed, Pending, ""},
	} {
		if got, reason := (&MQTT{}).Judge([]byte(tt.response), tt.end); got != tt.want || reason != tt.reason {
			t.Errorf("%q: got %d, %q, want %d, %q", tt.response, got, reason, tt.want, tt.reason)
		}
	}
}

func TestHTTPJudge(t *testing.T) {
	any2xx := []StatusRange{{200, 299}}
	for _, tt := range []struct {
		response string
		drains   bool
		want     Verdict
		reason   string
	}{
		{"", false, Pending, ""},
		{"HTTP/1.1 200", false, Pending, ""},
		{"HTTP/1.1 200 ", false, Passed, ""},
		{"HTTP/1.0 204\r", false, Passed, ""},
		{"HTTP/1.1 200\n", false, Passed, ""},
		{"HTTP/1.1 300 ", false, Failed, "HTTP status 300"},
		{"HTTP/1.1 503 ", false, Failed, "HTTP status 503"},
		{"HTTP/1.1 503 ", true, Drain, ""},
		{"HTTP/1.1 500 ", true, Failed, "HTTP status 500"},
		{"HTTP/1.1 2000", false, Failed, "invalid HTTP response"},
		{"HTTP/1.1 099 ", false, Failed, "invalid HTTP response"},
		{"HTTP/2.0 200 ", false, Failed, "invalid HTTP response"},
		{"http/1.1 200 ", false, Failed, "invalid HTTP response"},
		{"\x20\x02\x00\x00", false, Failed, "invalid HTTP response"},
		{"HTTP/1.1 d00 ", false, Failed, "invalid HTTP response"},
	} {
		h := &HTTP{URI: "/", Statuses: any2xx, Drains: tt.drains}
		if got, reason := h.Judge([]byte(tt.response), Open); got != tt.want || reason != tt.reason {
			t.Errorf("%q: got %d, %q, want %d, %q", tt.response, got, reason, tt.want, tt.reason)
		}
	}
}

// FuzzMQTTJudge checks that the verdict about a response in pieces is that about the whole, and that
// Limit is enough for it.
func FuzzMQTTJudge(f *testing.F) {
	for _, s := range []string{"", "\x20\x02\x00\x00", "\x20\x80\x80\x80\x01\x00\x00", "\x20\x02\x00\x05", "\x20\xff\xff\xff\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkPieces(t, &MQTT{}, b) })
}

// FuzzHTTPJudge is FuzzMQTTJudge for HTTP.
func FuzzHTTPJudge(f *testing.F) {
	for _, s := range []string{"", "HTTP/1.1 200 OK", "HTTP/1.1 503\r\n", "HTTP/1.1 99", "HTTP/1.d ddd "} {
		f.Add([]byte(s))
	}
	h := &HTTP{URI: "/", Statuses: []StatusRange{{200, 200}}, Drains: true}
	f.Fuzz(func(t *testing.T, b []byte) { checkPieces(t, h, b) })
}

// FuzzMatchJudge is FuzzMQTTJudge for match blocks with a literal, for which any number of bytes may
// be needed.
func FuzzMatchJudge(f *testing.F) {
	f.Add([]byte("expected"), []byte("expected and more"))
	f.Add([]byte(""), []byte(""))
	f.Fuzz(func(t *testing.T, expect, b []byte) {
		m := &Match{Expect: expect}
		checkPieces(t, m, b)
		v, _ := m.Judge(b, Full)
		if (v == Passed) != bytes.HasPrefix(b, expect) {
			t.Errorf("expected %q, got %q: verdict %d", expect, b, v)
		}
	})
}

// checkPieces gives a probe every prefix of b, and checks that the first verdict stays.
func checkPieces(t *testing.T, p Probe, b []byte) {
	t.Helper()
	limit := min(p.Limit(), len(b))
	first := Pending
	for n := range limit + 1 {
		v, _ := p.Judge(b[:n:n], Open)
		if first != Pending && v != first {
			t.Fatalf("%q: verdict %d, and %d with %d bytes", b, first, v, n)
		}
		first = v
	}
	if full, _ := p.Judge(b[:limit:limit], Full); limit == p.Limit() && full == Pending {
		t.Fatalf("%q: no verdict with as many bytes as are needed", b)
	}
}
