package realip

import (
	"net/netip"
	"testing"

	"weir/internal/proxyproto"
	"weir/stream"
	"weir/stream/offline"
)

func parse(text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(text)
	return ip, err == nil
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func tcp(text string) stream.Addr { return stream.Addr{IP: netip.MustParseAddrPort(text)} }

func TestHandle(t *testing.T) {
	header := &proxyproto.Header{Client: "203.0.113.9", ClientPort: 5}
	tests := []struct {
		name    string
		trusted []netip.Prefix
		unix    bool
		proxy   stream.Addr
		header  *proxyproto.Header
		want    string
	}{
		{"trusted", prefixes("192.0.2.0/24"), false, tcp("192.0.2.1:1"), header, "203.0.113.9:5"},
		{"trusted by the second network", prefixes("10.0.0.0/8", "192.0.2.1/32"), false, tcp("192.0.2.1:1"), header, "203.0.113.9:5"},
		{"not trusted", prefixes("10.0.0.0/8"), false, tcp("192.0.2.1:1"), header, "192.0.2.1:1"},
		{"no header", prefixes("192.0.2.0/24"), false, tcp("192.0.2.1:1"), nil, "192.0.2.1:1"},
		{"not an address", prefixes("192.0.2.0/24"), false, tcp("192.0.2.1:1"), &proxyproto.Header{Client: "1.2"}, "192.0.2.1:1"},
		{"another family", prefixes("192.0.2.0/24"), false, tcp("192.0.2.1:1"), &proxyproto.Header{Client: "2001:db8::1"}, "[2001:db8::1]:0"},
		{"a mapped proxy", prefixes("192.0.2.0/24"), false, tcp("[::ffff:192.0.2.1]:1"), header, "203.0.113.9:5"},
		{"a mapped proxy as IPv6", prefixes("::ffff:0:0/96"), false, tcp("[::ffff:192.0.2.1]:1"), header, "[::ffff:192.0.2.1]:1"},
		{"IPv6", prefixes("2001:db8::/32"), false, tcp("[2001:db8::1]:1"), header, "203.0.113.9:5"},
		{"unix", nil, true, stream.UnixAddr(""), header, "203.0.113.9:5"},
		{"unix not trusted", prefixes("0.0.0.0/0", "::/0"), false, stream.UnixAddr(""), header, "unix:"},
		{"unix alone", nil, true, tcp("192.0.2.1:1"), header, "192.0.2.1:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := offline.NewSession(t, &stream.Listen{Default: &stream.Server{}})
			s.Client.Addr, s.ProxyHeader = tt.proxy, tt.header
			h := &Handler{Trusted: tt.trusted, Unix: tt.unix, Parse: parse, Keep: true}
			if verdict, err := h.Handle(s.Session); verdict != stream.Next || err != nil {
				t.Errorf("got %v, %v", verdict, err)
			}
			if got := s.Client.Addr.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := original(s.Session); got != tt.proxy {
				t.Errorf("got %s before, want %s", got, tt.proxy)
			}
		})
	}
}

func TestNothingIsKeptUnasked(t *testing.T) {
	s := offline.NewSession(t, &stream.Listen{Default: &stream.Server{}})
	s.ProxyHeader = &proxyproto.Header{Client: "203.0.113.9"}
	h := &Handler{Trusted: prefixes("192.0.2.0/24"), Parse: parse}
	if n := testing.AllocsPerRun(100, func() {
		s.Client.Addr = tcp("192.0.2.1:1")
		h.Handle(s.Session)
	}); n > 1 { // tcp parses a text
		t.Errorf("got %v allocations", n)
	}
	if _, ok := originals.Get(s.Session); ok {
		t.Error("the address is kept")
	}
}
