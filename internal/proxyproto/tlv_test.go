package proxyproto

import (
	"strings"
	"testing"
)

func TestTLV(t *testing.T) {
	const (
		ssl    = "\x20\x00\x16\x07\x00\x00\x00\x2a\x21\x00\x07TLSv1.3\x22\x00\x04dev1"
		all    = "\x01\x00\x04mqtt\x02\x00\x0bexample.org\x05\x00\x02id" + ssl + "\x30\x00\x02ns\xea\x00\x00\xeb\x00\x01b\xeb\x00\x01c"
		unsafe = "\x01\x00\x04mqtt\x02\x00\x0bexample"
	)
	for _, tt := range []struct {
		name, tlvs, tlv string
		want            string // "-" means not found
		err             string
	}{
		{"alpn", all, "alpn", "mqtt", ""},
		{"authority", all, "authority", "example.org", ""},
		{"unique_id", all, "unique_id", "id", ""},
		{"netns", all, "netns", "ns", ""},
		{"ssl whole", all, "ssl", ssl[3:], ""},
		{"ssl_version", all, "ssl_version", "TLSv1.3", ""},
		{"ssl_cn", all, "ssl_cn", "dev1", ""},
		{"ssl_cipher that is not there", all, "ssl_cipher", "-", ""},
		{"ssl_verify", all, "ssl_verify", "42", ""},
		{"by number", all, "0xeb", "b", ""},
		{"by number in capitals", all, "0xEB", "b", ""},
		{"by a long number", all, "0x000001", "mqtt", ""},
		{"by a number that no TLV has", all, "0x101", "-", ""},
		{"empty value", all, "0xea", "", ""},
		{"inside ssl by number", all, "ssl_0x22", "dev1", ""},
		{"number of an inner one outside", all, "0x22", "-", ""},
		{"unknown name", all, "colour", "-", `unknown PROXY protocol TLV "colour"`},
		{"unknown name inside ssl", all, "ssl_colour", "-", `unknown PROXY protocol TLV "ssl_colour"`},
		{"alpn is not inside ssl", all, "ssl_alpn", "-", `unknown PROXY protocol TLV "ssl_alpn"`},
		{"decimal number", all, "1", "-", `unknown PROXY protocol TLV "1"`},
		{"no number", all, "0x", "-", `invalid PROXY protocol TLV "0x"`},
		{"not a number", all, "0xgg", "-", `invalid PROXY protocol TLV "0xgg"`},
		{"not a number inside ssl", all, "ssl_0xgg", "-", `invalid PROXY protocol TLV "ssl_0xgg"`},
		{"number beyond all", all, "0x" + strings.Repeat("f", 17), "-", `invalid PROXY protocol TLV "0x` + strings.Repeat("f", 17) + `"`},
		{"no TLVs", "", "alpn", "-", ""},
		{"no TLVs, unknown name", "", "colour", "-", `unknown PROXY protocol TLV "colour"`},
		{"no ssl, unknown name inside", "", "ssl_colour", "-", ""},
		{"ssl too short", "\x20\x00\x04\x07\x00\x00\x00", "ssl_verify", "-", ""},
		{"ssl with nothing inside", "\x20\x00\x05\x07\x00\x00\x00\x01", "ssl_cn", "-", ""},
		{"before the broken one", unsafe, "alpn", "mqtt", ""},
		{"the broken one", unsafe, "authority", "-", "broken PROXY protocol TLV"},
		{"behind the broken one", unsafe, "netns", "-", "broken PROXY protocol TLV"},
		{"broken at its length", "\x01\x00", "alpn", "-", "broken PROXY protocol TLV"},
		{"broken, and ssl is asked for", "\x01\x00", "ssl_cn", "-", "broken PROXY protocol TLV"},
		{"broken inside ssl", "\x20\x00\x07\x07\x00\x00\x00\x01\x21\x00", "ssl_cn", "-", "broken PROXY protocol TLV"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, _, err := Parse([]byte(v2(0x21, 0x11, inetAddrs+tt.tlvs)))
			if err != nil {
				t.Fatal(err)
			}
			got, ok, err := h.TLV(tt.tlv)
			if !ok {
				got = "-"
			}
			if got != tt.want || errText(err) != tt.err {
				t.Errorf("%q: got %q, error %q; want %q, %q", tt.tlv, got, errText(err), tt.want, tt.err)
			}
		})
	}
}

func TestTLVWithoutHeader(t *testing.T) {
	var h *Header
	if got, ok, err := h.TLV("colour"); ok || err != nil {
		t.Errorf("got %q, %v, %v; want nothing", got, ok, err)
	}
}
