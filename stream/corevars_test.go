package stream_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"weir/internal/proxyproto"
	"weir/stream"
	"weir/stream/offline"
)

// A coreCase changes a session and has the expected value of a core variable.
type coreCase struct {
	name, variable string
	change         func(*offline.Session)
	want           string
}

const missing = "(not found)"

func client(text string) func(*offline.Session) {
	return func(s *offline.Session) { s.Client.Addr = stream.Addr{IP: netip.MustParseAddrPort(text)} }
}

func unixClient(s *offline.Session) { s.Client.Addr = stream.UnixAddr("") }

func local(a stream.Addr) func(*offline.Session) {
	return func(s *offline.Session) { s.Client.Local = &a }
}

func header(h proxyproto.Header) func(*offline.Session) {
	return func(s *offline.Session) { s.ProxyHeader = &h }
}

// berlin moves the clock of a session to a time zone east of Greenwich.
func berlin(s *offline.Session) {
	zone := time.FixedZone("", 3600)
	s.Env.Now = func() time.Time { return time.Date(2026, 11, 2, 20, 29, 3, 45_000_000, zone) }
}

// tlvHeader has an authority and a truncated SSL TLV.
func tlvHeader(s *offline.Session) {
	h, _, err := proxyproto.Parse([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x13" +
		"\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x00\x51" + "\x02\x00\x04name"))
	if err != nil {
		panic(err)
	}
	s.ProxyHeader = h
}

var coreCases = []coreCase{
	{"IPv4", "binary_remote_addr", client("192.0.2.1:7"), "\xc0\x00\x02\x01"},
	{"IPv6", "binary_remote_addr", client("[2001:db8::1]:7"), "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
	{"mapped", "binary_remote_addr", client("[::ffff:1.2.3.4]:7"), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04"},
	{"unix", "binary_remote_addr", unixClient, "unix:"},
	{"none", "bytes_received", nil, "0"},
	{"some", "bytes_received", func(s *offline.Session) { s.Traffic.FromClient.Store(1 << 40) }, "1099511627776"},
	{"some", "bytes_sent", func(s *offline.Session) { s.Traffic.ToClient.Store(17) }, "17"},
	{"number", "connection", nil, "1"},
	{"name", "hostname", nil, "host"},
	{"whole second", "msec", nil, "1000000000.000"},
	{"later", "msec", func(s *offline.Session) { s.Clock.Advance(7 * time.Millisecond) }, "1000000000.007"},
	{"version", "nginx_version", nil, stream.NginxVersion},
	{"process", "pid", nil, "1"},
	{"protocol", "protocol", nil, "TCP"},
	{"no header", "proxy_protocol_addr", nil, missing},
	{"header", "proxy_protocol_addr", header(proxyproto.Header{Client: "10.0.0.1"}), "10.0.0.1"},
	{"no header", "proxy_protocol_port", nil, missing},
	{"header", "proxy_protocol_port", header(proxyproto.Header{ClientPort: 700}), "700"},
	{"port 0", "proxy_protocol_port", header(proxyproto.Header{}), ""},
	{"header", "proxy_protocol_server_addr", header(proxyproto.Header{Server: "::1"}), "::1"},
	{"header", "proxy_protocol_server_port", header(proxyproto.Header{ServerPort: 65535}), "65535"},
	{"no header", "proxy_protocol_tlv_authority", nil, missing},
	{"there", "proxy_protocol_tlv_authority", tlvHeader, "name"},
	{"by number", "proxy_protocol_tlv_0x02", tlvHeader, "name"},
	{"not there", "proxy_protocol_tlv_alpn", tlvHeader, missing},
	{"of no name", "proxy_protocol_tlv_nonsense", tlvHeader, missing},
	{"IPv4", "remote_addr", client("192.0.2.1:7"), "192.0.2.1"},
	{"IPv6", "remote_addr", client("[2001:db8::1]:7"), "2001:db8::1"},
	{"unix", "remote_addr", unixClient, "unix:"},
	{"IPv4", "remote_port", client("192.0.2.1:7"), "7"},
	{"unix", "remote_port", unixClient, ""},
	{"IPv6", "server_addr", local(stream.Addr{IP: netip.MustParseAddrPort("[::1]:80")}), "::1"},
	{"unix", "server_addr", local(stream.UnixAddr("/run/s")), "unix:/run/s"},
	{"IPv6", "server_port", local(stream.Addr{IP: netip.MustParseAddrPort("[::1]:80")}), "80"},
	{"none", "server_name", nil, ""},
	{"some", "server_name", func(s *offline.Session) { s.Server.Settings.Name = "broker.example" }, "broker.example"},
	{"unix", "server_port", local(stream.UnixAddr("/run/s")), ""},
	{"none yet", "session_time", nil, "0.000"},
	{"some", "session_time", func(s *offline.Session) { s.Clock.Advance(61*time.Second + 2999*time.Microsecond) }, "61.002"},
	{"clock set back", "session_time", func(s *offline.Session) { s.Clock.Advance(-time.Second) }, "0.000"},
	{"before the end", "status", nil, "000"},
	{"at the end", "status", func(s *offline.Session) { s.Status = stream.StatusBadGateway }, "502"},
	{"UTC", "time_iso8601", nil, "2001-09-09T01:46:40+00:00"},
	{"zone", "time_iso8601", berlin, "2026-11-02T20:29:03+01:00"},
	{"zone", "time_iso8601_ms", berlin, "2026-11-02T20:29:03.045+01:00"},
	{"UTC", "time_local", nil, "09/Sep/2001:01:46:40 +0000"},
	{"zone", "time_local", berlin, "02/Nov/2026:20:29:03 +0100"},
}

func TestCoreVariables(t *testing.T) {
	for _, tt := range coreCases {
		t.Run(tt.variable+" "+tt.name, func(t *testing.T) {
			s, use := play(t, nil, tt.variable)
			if tt.change != nil {
				tt.change(s)
			}
			line, ok := s.AppendValue([]byte("x"), use[0])
			appended := string(line[1:])
			got, found := s.Value(use[0])
			if found != ok || got != appended {
				t.Errorf("appended %q, %v; the value is %q, %v", appended, ok, got, found)
			}
			if !found {
				got = missing
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestUnknownTLVIsLogged checks nginx's message for a TLV of unknown name.
func TestUnknownTLVIsLogged(t *testing.T) {
	s, use := play(t, nil, "proxy_protocol_tlv_nonsense")
	tlvHeader(s)
	s.Value(use[0])
	if want := `[error] *1 unknown PROXY protocol TLV "nonsense"` + context; s.Lines.Count(want) != 1 {
		t.Errorf("got log %q, want %q", s.Lines.All(), want)
	}
}

// TestEveryCoreVariableIsTried checks that the cases above cover the core variables that nginx
// documents.
func TestEveryCoreVariableIsTried(t *testing.T) {
	raw, err := os.ReadFile("testdata/variables.tsv")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		fields := strings.Split(line, "\t")
		if fields[0] != "ngx_stream_core_module" {
			continue
		}
		n++
		if name := strings.TrimPrefix(fields[1], "$"); !tried(name) {
			t.Errorf("no case for $%s", name)
		}
	}
	if n == 0 {
		t.Error("the list has no variables of the core")
	}
}

func tried(name string) bool {
	family, isFamily := strings.CutSuffix(name, "_name")
	for _, c := range coreCases {
		if c.variable == name || isFamily && strings.HasPrefix(c.variable, family+"_") {
			return true
		}
	}
	return false
}
