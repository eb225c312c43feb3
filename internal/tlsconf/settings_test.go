package tlsconf

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func defaults() Settings {
	return Settings{Protocols: DefaultProtocols, Ciphers: "HIGH:!aNULL:!MD5", Groups: AutoGroups}
}

func TestProtocols(t *testing.T) {
	for _, c := range []struct {
		set            Protocols
		oldest, newest uint16
		gap            bool
	}{
		{DefaultProtocols, tls.VersionTLS12, tls.VersionTLS13, false},
		{TLSv12, tls.VersionTLS12, tls.VersionTLS12, false},
		{TLSv1 | TLSv11 | TLSv12 | TLSv13 | SSLv3, tls.VersionTLS10, tls.VersionTLS13, false},
		{TLSv1 | TLSv12, tls.VersionTLS12, tls.VersionTLS12, true},
		{TLSv11 | TLSv13, tls.VersionTLS13, tls.VersionTLS13, true},
		{SSLv2 | SSLv3, tls.VersionTLS13, tls.VersionTLS12, false},
	} {
		s := defaults()
		s.Protocols = c.set
		got, p, err := s.config()
		if err != nil || got.MinVersion != c.oldest || got.MaxVersion != c.newest || (len(p.warnings) > 0) != c.gap {
			t.Errorf("%b: got %x to %x, %v and %v, want %x to %x", c.set, got.MinVersion, got.MaxVersion, p.warnings, err, c.oldest, c.newest)
		}
	}
}

func TestCiphersOfSettings(t *testing.T) {
	for _, c := range []struct {
		list    string
		set     Protocols
		suites  int
		oldest  uint16
		warning string
		failure string
	}{
		{list: "ECDHE-RSA-AES128-GCM-SHA256", set: DefaultProtocols, suites: 1, oldest: tls.VersionTLS12},
		{list: "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256", set: DefaultProtocols, suites: 1, oldest: tls.VersionTLS12,
			warning: "ciphers that are not supported are ignored: DHE-RSA-AES128-GCM-SHA256"},
		{list: "PSK", set: DefaultProtocols, oldest: tls.VersionTLS13, warning: "only TLS 1.3 is offered, since no cipher of the older versions is supported"},
		{list: "DHE-RSA-AES128-GCM-SHA256", set: TLSv12, failure: `no supported cipher in the list "DHE-RSA-AES128-GCM-SHA256"`},
		{list: "FOO", set: DefaultProtocols, failure: `SSL_CTX_set_cipher_list("FOO") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`},
		{list: "HIGH:@FOO", set: DefaultProtocols, failure: `SSL_CTX_set_cipher_list("HIGH:@FOO") failed (SSL: error:0A000118:SSL routines::invalid command)`},
	} {
		got, p, err := Settings{Protocols: c.set, Ciphers: c.list}.config()
		checkSentence(t, c.list, err, c.failure)
		if err != nil {
			continue
		}
		if len(got.CipherSuites) != c.suites || got.MinVersion != c.oldest || strings.Join(p.warnings, "") != c.warning {
			t.Errorf("%s: got %x, %x and %q, want %d suites, %x and %q", c.list, got.CipherSuites, got.MinVersion, p.warnings, c.suites, c.oldest, c.warning)
		}
	}
}

func TestSecurityLevel(t *testing.T) {
	if got, err := SecurityLevel("HIGH:@SECLEVEL=1"); got != 1 || err != nil {
		t.Errorf("got %d and %v, want 1", got, err)
	}
	_, err := SecurityLevel("FOO")
	checkSentence(t, "FOO", err, `SSL_CTX_set_cipher_list("FOO") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`)
}

func TestGroupsOfSettings(t *testing.T) {
	const unknown = ` failed (SSL: error:0A080106:SSL routines::passed invalid argument:group 'foo' cannot be set)`
	for _, c := range []struct {
		list, failure, warning string
		want                   []tls.CurveID
	}{
		{list: "auto"}, {list: ""},
		{list: "X25519", want: []tls.CurveID{tls.X25519}},
		{list: "x25519:P-256:secp384r1:secp521r1", want: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}},
		{list: "X25519MLKEM768:prime256v1", want: []tls.CurveID{tls.X25519MLKEM768, tls.CurveP256}},
		{list: "?foo:X25519", want: []tls.CurveID{tls.X25519}},
		{list: "X25519:X448:ffdhe2048", want: []tls.CurveID{tls.X25519}, warning: "groups that are not supported are ignored: X448:ffdhe2048"},
		{list: "foo", failure: `SSL_CTX_set1_curves_list("foo")` + unknown},
		{list: "X25519:foo", failure: `SSL_CTX_set1_curves_list("X25519:foo")` + unknown},
		{list: "secp256r1:P-256", failure: `SSL_CTX_set1_curves_list("secp256r1:P-256") failed`},
		{list: "X25519:", failure: `SSL_CTX_set1_curves_list("X25519:") failed`},
		{list: "X448", failure: `SSL_CTX_set1_curves_list("X448") failed (SSL: no supported group in the list)`},
	} {
		s := defaults()
		s.Groups = c.list
		got, p, err := s.config()
		checkSentence(t, c.list, err, c.failure)
		if err == nil && (!slices.Equal(got.CurvePreferences, c.want) || strings.Join(p.warnings, "") != c.warning) {
			t.Errorf("%s: got %v and %q, want %v and %q", c.list, got.CurvePreferences, p.warnings, c.want, c.warning)
		}
	}
}

// A commandCase is a command with nginx's sentence, or a check of its effect.
type commandCase struct {
	name, value, failure string
	check                func(*tls.Config, *plan) bool
}

func TestCommands(t *testing.T) {
	for _, c := range commandCases() {
		s := defaults()
		s.Commands = []Command{{c.name, c.value}}
		got, p, err := s.config()
		checkSentence(t, c.name+" "+c.value, err, c.failure)
		if err == nil && c.check != nil && !c.check(got, p) {
			t.Errorf("%s %s: got %+v and %+v", c.name, c.value, got, p)
		}
	}
}

func commandCases() []commandCase {
	bad := func(name, value, before string) string {
		return `SSL_CONF_cmd("` + name + `", "` + value + `") failed (SSL: ` + before + `error:0A000180:SSL routines::bad value:cmd=` + name + `, value=` + value + `)`
	}
	const all13 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
	return []commandCase{
		{"Foo", "bar", `SSL_CONF_cmd("Foo", "bar") failed (SSL: error:0A000182:SSL routines::unknown cmd name:cmd=Foo)`, nil},
		{"MinProtocol", "TLSv1.3", "", func(c *tls.Config, _ *plan) bool { return c.MinVersion == tls.VersionTLS13 }},
		{"minprotocol", "None", "", func(c *tls.Config, _ *plan) bool { return c.MinVersion == tls.VersionTLS12 }},
		{"MinProtocol", "foo", bad("MinProtocol", "foo", ""), nil},
		{"MinProtocol", "tlsv1.2", bad("MinProtocol", "tlsv1.2", ""), nil},
		{"MaxProtocol", "TLSv1.2", "", func(c *tls.Config, _ *plan) bool { return c.MaxVersion == tls.VersionTLS12 }},
		{"MaxProtocol", "None", "", func(c *tls.Config, _ *plan) bool { return c.MaxVersion == tls.VersionTLS13 }},
		{"MaxProtocol", "SSLv3", "", func(c *tls.Config, _ *plan) bool { return c.MinVersion > c.MaxVersion }},
		{"MaxProtocol", "foo", bad("MaxProtocol", "foo", ""), nil},
		{"Protocol", "-TLSv1.2", "", func(c *tls.Config, _ *plan) bool { return c.MinVersion == tls.VersionTLS13 }},
		{"Protocol", "ALL, -tlsv1.3,-DTLSv1", "", func(c *tls.Config, _ *plan) bool {
			return c.MinVersion == tls.VersionTLS10 && c.MaxVersion == tls.VersionTLS12
		}},
		{"Protocol", "FOO", bad("Protocol", "FOO", ""), nil},
		{"CipherString", "AES128-SHA", "", func(c *tls.Config, _ *plan) bool { return slices.Equal(c.CipherSuites, []uint16{0x2f}) }},
		{"CipherString", "FOO", bad("CipherString", "FOO", "error:0A0000B9:SSL routines::no cipher match "), nil},
		{"Ciphersuites", all13, "", nil},
		{"Ciphersuites", "FOO", bad("Ciphersuites", "FOO", "error:0A0000B9:SSL routines::no cipher match "), nil},
		{"Ciphersuites", "TLS_AES_128_GCM_SHA256", `SSL_CONF_cmd("Ciphersuites", "TLS_AES_128_GCM_SHA256") failed: ciphers of TLS 1.3 cannot be switched off`, nil},
		{"Ciphersuites", "", `SSL_CONF_cmd("Ciphersuites", "") failed: ciphers of TLS 1.3 cannot be switched off`, nil},
		{"Groups", "X25519", "", func(c *tls.Config, _ *plan) bool { return slices.Equal(c.CurvePreferences, []tls.CurveID{tls.X25519}) }},
		{"Curves", "foo", bad("Curves", "foo", "error:0A080106:SSL routines::passed invalid argument:group 'foo' cannot be set "), nil},
		{"ECDHParameters", "P-256", "", func(c *tls.Config, _ *plan) bool {
			return slices.Equal(c.CurvePreferences, []tls.CurveID{tls.CurveP256})
		}},
		{"ECDHParameters", "X25519:P-256", bad("ECDHParameters", "X25519:P-256", ""), nil},
		{"Options", "-SessionTicket", "", func(_ *tls.Config, p *plan) bool { return p.noTickets }},
		{"Options", "PrioritizeChaCha, NoRenegotiation,ServerPreference,+sessionticket", "", func(_ *tls.Config, p *plan) bool { return !p.noTickets }},
		{"Options", "Foo", bad("Options", "Foo", ""), nil},
		{"Options", "UnsafeLegacyRenegotiation", `SSL_CONF_cmd("Options", "UnsafeLegacyRenegotiation") failed: the option "UnsafeLegacyRenegotiation" is not supported`, nil},
		{"Options", "-UnsafeLegacyRenegotiation", "", nil},
		{"NumTickets", "2", "", nil},
		{"NumTickets", "1x", "", nil},
		{"NumTickets", "-1", bad("NumTickets", "-1", ""), nil},
		{"NumTickets", "0", `SSL_CONF_cmd("NumTickets", "0") failed: tickets of TLS 1.3 cannot be switched off alone`, nil},
		{"SignatureAlgorithms", "RSA+SHA256", `SSL_CONF_cmd("SignatureAlgorithms", "RSA+SHA256") failed: the command is not supported`, nil},
		{"VerifyMode", "Peer", `SSL_CONF_cmd("VerifyMode", "Peer") failed: the command is not supported`, nil},
	}
}

func TestNames(t *testing.T) {
	for id, want := range map[tls.CurveID]string{0: "", 23: "prime256v1", 24: "secp384r1", 29: "X25519", 4588: "X25519MLKEM768", 256: "ffdhe2048", 0x0a0a: "0x0a0a", 31: "0x001f"} {
		if got := GroupName(id); got != want {
			t.Errorf("%#x: got %s, want %s", id, got, want)
		}
	}
	for id := range goGroups {
		if groupNames[id] == "" {
			t.Errorf("%d has no name", id)
		}
	}
	if got, want := GroupNames([]tls.CurveID{0x2a2a, 29, 23}), "0x2a2a:X25519:prime256v1"; got != want {
		t.Errorf("groups: got %s, want %s", got, want)
	}
	if got, want := SignatureNumbers([]tls.SignatureScheme{0x0403, 0x0804}), "0x0403:0x0804"; got != want {
		t.Errorf("signatures: got %s, want %s", got, want)
	}
	for v, want := range map[uint16]string{tls.VersionTLS10: "TLSv1", tls.VersionTLS11: "TLSv1.1", tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3", 0: "unknown"} {
		if got := VersionName(v); got != want {
			t.Errorf("%#x: got %s, want %s", v, got, want)
		}
	}
}
