package proxyproto

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

// TestAppendV2TLS compares headers with those that nginx 1.31.5 sends.
func TestAppendV2TLS(t *testing.T) {
	const (
		addrs  = "\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x09\x1b\xbd"
		end    = "\x03\x00\x04\x00\x00\x00\x00"
		cipher = "#\x00\x16TLS_AES_256_GCM_SHA384"
		keys   = "$\x00\x11ecdsa-with-SHA256%\x00\x05EC256"
	)
	base := TLS{Version: "TLSv1.3", Cipher: "TLS_AES_256_GCM_SHA384", SignatureAlgorithm: "ecdsa-with-SHA256", KeyAlgorithm: "EC256"}
	with := func(change func(*TLS)) *TLS { c := base; change(&c); return &c }
	for _, tt := range []struct {
		name         string
		server, want string
		tls          *TLS
	}{
		{"without certificate", "127.0.0.1:7101", "!\x11\x00Z" + addrs + " \x00D\x01\x00\x00\x00\x01!\x00\x07TLSv1.3" + cipher + keys + end, &base},
		{
			"with names", "127.0.0.1:7101", "!\x11\x00r" + addrs + "\x02\x00\x0eBroker.example\x01\x00\x04mqtt \x00D\x01\x00\x00\x00\x01!\x00\x07TLSv1.3" +
				cipher + keys + end,
			with(func(c *TLS) { c.ServerName, c.ALPN = "Broker.example", "mqtt" }),
		},
		{
			"trusted", "127.0.0.1:7101", "!\x11\x00d" + addrs + " \x00N\x07\x00\x00\x00\x00!\x00\x07TLSv1.3\"\x00\x07M\xc3\xbcller" + cipher + keys + end,
			with(func(c *TLS) { c.HasCertificate, c.CommonName = true, "Müller" }),
		},
		{
			"not trusted, resumed", "127.0.0.1:7101", "!\x11\x00Z" + addrs + " \x00D\x05\x00\x00\x00\x12!\x00\x07TLSv1.3" + cipher + keys + end,
			with(func(c *TLS) { c.HasCertificate, c.Resumed, c.VerifyCode = true, true, 18 }),
		},
		{
			"Ed25519", "127.0.0.1:7101", "!\x11\x00H" + addrs + " \x002\x01\x00\x00\x00\x01!\x00\x07TLSv1.3" + cipher + "$\x00\x07ED25519" + end,
			with(func(c *TLS) { c.SignatureAlgorithm, c.KeyAlgorithm = "ED25519", "" }),
		},
		{
			"unix", "", " \x00\x00T\x02\x00\x03a.b \x00D\x01\x00\x00\x00\x01!\x00\x07TLSv1.3" + cipher + keys + end,
			with(func(c *TLS) { c.ServerName = "a.b" }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := []byte(signature + tt.want)
			binary.BigEndian.PutUint32(want[len(want)-4:], crc32.Checksum(want, crc32.MakeTable(crc32.Castagnoli)))
			got := AppendV2([]byte("x"), addrPort("127.0.0.1:9"), addrPort(tt.server), tt.tls)
			if !bytes.Equal(got[1:], want) {
				t.Errorf("got\n%q, want\n%q", got[1:], want)
			}
		})
	}
}

// TestWrittenTLVsAreRead checks that Parse finds the values in a written header.
func TestWrittenTLVsAreRead(t *testing.T) {
	sent := &TLS{
		ServerName: "name", ALPN: "mqtt", Version: "TLSv1.2", CommonName: strings.Repeat("c", 300), Cipher: "cipher", SignatureAlgorithm: "sig",
		KeyAlgorithm: "key", HasCertificate: true, VerifyCode: 18,
	}
	h, _, err := Parse(AppendV2(nil, addrPort("127.0.0.1:9"), addrPort("127.0.0.1:7"), sent))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"authority": "name", "alpn": "mqtt", "ssl_version": "TLSv1.2", "ssl_cn": sent.CommonName, "ssl_cipher": "cipher", "ssl_sig_alg": "sig",
		"ssl_key_alg": "key", "ssl_verify": "18",
	} {
		if got, ok, err := h.TLV(name); got != want || !ok || err != nil {
			t.Errorf("%s: got %q, %v, %v", name, got, ok, err)
		}
	}
}
