package proxy_test

import (
	"crypto/tls"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"weir/internal/proxyproto"
	"weir/internal/testcert"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

func addr(text string) stream.Addr { return stream.Addr{IP: netip.MustParseAddrPort(text)} }

// TestProtocol checks the PROXY header that is sent before the client's first bytes.
func TestProtocol(t *testing.T) {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	tests := []struct {
		name          string
		version       proxy.Protocol
		client, local stream.Addr
		want          string
	}{
		{"off", proxy.Off, addr("192.0.2.1:1000"), addr("192.0.2.2:1883"), ""},
		{"IPv4", proxy.V1, addr("192.0.2.1:1000"), addr("192.0.2.2:1883"), "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\r\n"},
		{"IPv6", proxy.V1, addr("[2001:db8::1]:1"), addr("[::1]:2"), "PROXY TCP6 2001:db8::1 ::1 1 2\r\n"},
		{"client on a unix socket", proxy.V1, stream.UnixAddr(""), stream.UnixAddr("/s"), "PROXY UNKNOWN\r\n"},
		{
			"address replaced on a unix socket", proxy.V1, addr("192.0.2.1:1000"), stream.UnixAddr("/s"),
			"PROXY TCP4 192.0.2.1 unix:/s 1000 0\r\n",
		},
		{
			"IPv4, version 2", proxy.V2, addr("192.0.2.1:1000"), addr("192.0.2.2:1883"),
			signature + "\x21\x11\x00\x13\xc0\x00\x02\x01\xc0\x00\x02\x02\x03\xe8\x07\x5b\x03\x00\x04",
		},
		{"unix, version 2", proxy.V2, stream.UnixAddr(""), stream.UnixAddr("/s"), signature + "\x20\x00\x00\x07\x03\x00\x04"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := content(group(1))
			c.Protocol = tt.version
			s := session(t, c)
			s.Client.Addr, s.Client.Local = tt.client, &tt.local
			s.Advance(stream.Event{Kind: stream.Accepted})
			out := string(s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")}).Out)
			if tt.version == proxy.V2 && len(out) > 8 {
				out = out[:len(out)-8] + out[len(out)-4:] // the checksum is tested in its own package
			}
			if out != tt.want+"abcd" {
				t.Errorf("got %q, want %q", out, tt.want+"abcd")
			}
		})
	}
}

// named returns a variable of that name and value.
func named(name, value string) stream.Variable {
	return stream.Variable{Name: name, Get: func(*stream.Session) (string, bool) { return value, value != "" }}
}

func TestBind(t *testing.T) {
	tests := []struct {
		name, value string
		script      string
		log         []string
	}{
		{"address", "127.0.0.2", `connect 127.0.0.1:7001 from=127.0.0.2:0 out="abcd" within=1m0s`, nil},
		{"with a port", "127.0.0.2:700", `connect 127.0.0.1:7001 from=127.0.0.2:700 out="abcd" within=1m0s`, nil},
		{"of an IPv4 client on an IPv6 socket", "::ffff:192.0.2.1", `connect 127.0.0.1:7001 from=192.0.2.1:0 out="abcd" within=1m0s`, nil},
		{"IPv6", "::1", `connect 127.0.0.1:7001 from=[::1]:0 out="abcd" within=1m0s`, nil},
		{"empty", "", `connect 127.0.0.1:7001 out="abcd" within=1m0s`, nil},
		{"none", "nonsense", `connect 127.0.0.1:7001 out="abcd" within=1m0s`, []string{
			`[error] *1 invalid local address "nonsense", client: 192.0.2.1, server: 192.0.2.100:1883, ` +
				`bytes from/to client:0/0, bytes from/to upstream:0/0`,
		}},
		{"not ours", "192.0.2.55:700", `connect 127.0.0.1:7001 from=192.0.2.55:700 out="abcd" within=1m0s
			failed upstream bind EADDRNOTAVAIL -> finish reset`, []string{
			"[crit] *1 bind(192.0.2.55:700) failed (99: Cannot assign requested address)" + at(connecting, 1, 0),
		}},
		{"not allowed to be transparent", "192.0.2.55", `connect 127.0.0.1:7001 from=192.0.2.55:0 out="abcd" within=1m0s
			failed upstream setsockopt EPERM -> finish reset`, []string{
			"[alert] *1 setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)" + at(connecting, 1, 0),
		}},
		{"nor with IPv6", "2001:db8::55", `connect 127.0.0.1:7001 from=[2001:db8::55]:0 out="abcd" within=1m0s
			failed upstream setsockopt EPERM -> finish reset`, []string{
			"[alert] *1 setsockopt(IPV6_TRANSPARENT) failed (1: Operation not permitted)" + at(connecting, 1, 0),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := stream.NewConfig()
			c := content(group(1))
			c.Bind = template(t, config, "$local")
			s := newSession(t, c, config, named("local", tt.value))
			offline.Script(t, s, started+tt.script)
			checkLog(t, s, tt.log)
			if s.Status == stream.StatusInternal && tries(s) != "" {
				t.Errorf("got tries %q, want an empty one", tries(s))
			}
		})
	}
}

func TestParseLocal(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:0", "192.0.2.1:7": "192.0.2.1:7", "::1": "[::1]:0", "[::1]:7": "[::1]:7", "192.0.2.1:0": "", "[::1]": "[::1]:0", "[192.0.2.1]": "192.0.2.1:0", "[]": "", "[[::1]]": "",
		"010..0.1": "10.0.0.1:0", "010..0.1:07": "10.0.0.1:7", "[192.0.2.1]:7": "192.0.2.1:7", "::1:": "[::0.1.0.0]:0", "255.255.255.255": "",
		"255.255.255.255:7": "", "1:2:3:4:5:6:7::": "", "::1:7": "[::0.1.0.7]:0", "[::1]:": "", "[::1]7": "", "[::1": "",
		"": "", "a": "", "fe80::1%lo": "", "[fe80::1%lo]:7": "", "192.0.2.1:70000": "", "unix:/s": "",
	} {
		t.Run(text, func(t *testing.T) {
			got, err := proxy.ParseLocal(text)
			if got.String() != want || (err == nil) != (want != "") {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// parseSize accepts only digits.
func parseSize(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func TestRates(t *testing.T) {
	tests := []struct {
		name, value string
		want        int64
		log         string
	}{
		{"size", "100", 100, ""},
		{"nothing", "", 0, ""},
		{"no size", "fast", 0, `[error] *1 invalid size "fast"` + at(connecting, 1, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := stream.NewConfig()
			c := content(group(1))
			c.Upload = proxy.Rate{Variable: template(t, config, "$rate"), Parse: parseSize}
			c.Download = proxy.Rate{Fixed: 7}
			c.Relay.Download = 7
			s := newSession(t, c, config, named("rate", tt.value))
			offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s`)
			step := s.Advance(stream.Event{Kind: stream.Connected})
			if step.Relay == c.Relay || step.Relay.Upload != tt.want || step.Relay.Download != 7 || step.Relay.BufferSize != 16384 {
				t.Errorf("got %+v, want one of its own with upload %d", step.Relay, tt.want)
			}
			if tt.log != "" && s.Lines.Count(tt.log) != 1 || tt.log == "" && s.Lines.Count("invalid") > 0 {
				t.Errorf("got log %q, want %q", s.Lines.All(), tt.log)
			}
		})
	}
}

// TestFixedRatesShareTheSpec checks that with fixed rates a session needs no Spec of its own.
func TestFixedRatesShareTheSpec(t *testing.T) {
	c := content(group(1))
	s := session(t, c)
	offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s`)
	if step := s.Advance(stream.Event{Kind: stream.Connected}); step.Relay != c.Relay {
		t.Error("the Spec is not the server's")
	}
}

// TestTarget checks the other settings of a connection.
func TestTarget(t *testing.T) {
	c := content(group(1))
	c.KeepAlive, c.RcvBuf, c.SndBuf = true, 1000, 2000
	s := session(t, c)
	s.Advance(stream.Event{Kind: stream.Accepted})
	got := *s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")}).Target
	want := stream.Target{Addr: drivertest.Loopback(7001), KeepAlive: true, NoDelay: true, RcvBuf: 1000, SndBuf: 2000}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestVariableDestination checks a proxy_pass with variables.
func TestVariableDestination(t *testing.T) {
	fails := func(message string) []string {
		return []string{"[error] *1 " + message + ", client: 192.0.2.1, server: 192.0.2.100:1883, " +
			"bytes from/to client:0/0, bytes from/to upstream:0/0"}
	}
	tests := []struct {
		name, value, step string
		log               []string
	}{
		{"group", "brokers", `connect 127.0.0.1:7001 out="abcd" within=1m0s`, nil},
		{"group in other letters", "Brokers", `connect 127.0.0.1:7001 out="abcd" within=1m0s`, nil},
		{"address", "192.0.2.9:70", `connect 192.0.2.9:70 out="abcd" within=1m0s`, nil},
		{"no port", "nowhere", `finish reset`, fails(`no port in upstream "nowhere"`)},
		{"name", "broker.example:70", `finish reset`, fails(`no resolver defined to resolve broker.example`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := stream.NewConfig()
			g := group(1)
			c := content(nil)
			c.To = proxy.Destination{
				Variable: template(t, config, "$to"), Named: map[string]*upstream.Group{strings.ToLower(g.Name): g}, Parse: parse,
			}
			s := newSession(t, c, config, named("to", tt.value))
			offline.Script(t, s, started+tt.step)
			checkLog(t, s, tt.log)
			if tt.log == nil {
				return
			}
			checkStatus(t, s, 500)
			if len(s.Tries) != 0 {
				t.Errorf("got tries %q, want none", tries(s))
			}
		})
	}
}

// TestProtocolWithTLS checks that the header has the data of the client's handshake.
func TestProtocolWithTLS(t *testing.T) {
	c := content(group(1))
	c.Protocol = proxy.V2
	client := testcert.SelfSigned(t, "client").Certificate
	s := session(t, c)
	s.Advance(stream.Event{Kind: stream.Accepted})
	s.TLS = &stream.TLSState{
		Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: "name", ALPN: "mqtt", Certificate: client.Raw, Resumed: true,
		VerifyError: &stream.VerifyError{Code: 18}, Own: client,
	}
	out := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")}).Out
	h, n, err := proxyproto.Parse(out)
	if err != nil || string(out[n:]) != "abcd" {
		t.Fatalf("got %q, %v", out, err)
	}
	for name, want := range map[string]string{
		"authority": "name", "alpn": "mqtt", "ssl_version": "TLSv1.3", "ssl_cipher": "TLS_AES_128_GCM_SHA256", "ssl_cn": "client",
		"ssl_sig_alg": "ecdsa-with-SHA256", "ssl_key_alg": "EC256", "ssl_verify": "18",
	} {
		if got, _, _ := h.TLV(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestHeaderTooLarge checks that a session ends if its header has no room for a common name.
func TestHeaderTooLarge(t *testing.T) {
	c := content(group(1))
	c.Protocol = proxy.V2
	s := session(t, c)
	s.Advance(stream.Event{Kind: stream.Accepted})
	s.TLS = &stream.TLSState{Certificate: testcert.SelfSigned(t, strings.Repeat("a", proxyproto.MaxHeader)).Certificate.Raw}
	if step := s.Advance(stream.Event{Kind: stream.Bytes, Data: []byte("abcd")}); step.Do != stream.Finish {
		t.Errorf("got step %d", step.Do)
	}
	checkStatus(t, s, stream.StatusInternal)
}
