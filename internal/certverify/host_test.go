package certverify

import (
	"bytes"
	"encoding/pem"
	"os/exec"
	"strings"
	"testing"

	"weir/conformance/installed"
)

// A hostCase is a certificate with a host name.
type hostCase struct {
	common string
	dns    []string
	host   string
	want   bool
}

var hostCases = []hostCase{
	{"", []string{"a.example.com"}, "a.example.com", true},
	{"", []string{"a.example.com"}, "A.EXAMPLE.com", true},
	{"", []string{"a.example.com"}, "b.example.com", false},
	{"", []string{"a.example.com"}, "a.example.com.", false},
	{"cn.example.com", nil, "cn.example.com", true},
	{"*.example.com", nil, "a.example.com", true},
	{"cn.example.com", []string{"a.example.com"}, "cn.example.com", false},
	{"10.0.0.1", nil, "10.0.0.1", true},
	{"", []string{"10.0.0.1"}, "10.0.0.1", true},
	{"", []string{"*.example.com"}, "a.example.com", true},
	{"", []string{"*.example.com"}, "a.b.example.com", false},
	{"", []string{"*.example.com"}, "example.com", false},
	{"", []string{"*.example.com"}, ".example.com", true},
	{"", []string{"*.com"}, "example.com", false},
	{"", []string{"*"}, "localhost", false},
	{"", []string{"*"}, "*", true},
	{"", []string{"a.*.example.com"}, "a.b.example.com", false},
	{"", []string{"*.*.example.com"}, "a.b.example.com", false},
	{"", []string{"a*.example.com"}, "abc.example.com", true},
	{"", []string{"a*.example.com"}, "a.example.com", true},
	{"", []string{"*c.example.com"}, "abc.example.com", true},
	{"", []string{"a*c.example.com"}, "abc.example.com", false},
	{"", []string{"a-*.example.com"}, "a-b.example.com", false},
	{"", []string{"*-b.example.com"}, "a-b.example.com", true},
	{"", []string{"*.example.com"}, "a_b.example.com", false},
	{"", []string{"*.example.com"}, "*.example.com", true},
	{"", []string{"*.example.com"}, "xn--a.example.com", true},
	{"", []string{"x*.example.com"}, "xn--a.example.com", false},
	{"", []string{"xn--*.example.com"}, "xn--a.example.com", false},
	{"", []string{"*.exa_mple.com"}, "a.exa_mple.com", false},
	{"", []string{"*.-example.com"}, "a.-example.com", false},
	{"", []string{"*.example-.com"}, "a.example-.com", false},
	{"", []string{"*.example..com"}, "a.example..com", false},
	{"", []string{"a.example.com"}, ".example.com", true},
	{"", []string{"b.a.example.com"}, ".example.com", true},
	{"", []string{"example.com"}, ".example.com", false},
	{"", []string{"a.example.com"}, ".", false},
	{"*.example.com", []string{"*.example.org"}, "a.example.com", false},
}

func TestMatchesHost(t *testing.T) {
	ca := root(t, "ca")
	for _, c := range hostCases {
		cert := ca.leaf(t, c.common, dnsName(c.dns...)).cert
		if got := MatchesHost(cert, c.host); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
	cert := ca.leaf(t, "a.example.com").cert
	for _, name := range []string{"", "a.example.com\x00", "\x00"} {
		if MatchesHost(cert, name) {
			t.Errorf("%q matches", name)
		}
	}
}

// TestHostsAgainstOpenSSL compares the cases with the openssl program.
func TestHostsAgainstOpenSSL(t *testing.T) {
	if testing.Short() {
		t.Skip("runs openssl many times")
	}
	openssl := installed.Program(t, "openssl", "openssl")
	ca := root(t, "ca")
	for _, c := range hostCases {
		cmd := exec.Command(openssl, "x509", "-noout", "-checkhost", c.host)
		cmd.Stdin = bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.leaf(t, c.common, dnsName(c.dns...)).cert.Raw}))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if matched := strings.Contains(string(out), "does match"); matched != c.want {
			t.Errorf("%+v: OpenSSL: %s", c, out)
		}
	}
}

func FuzzMatchesHost(f *testing.F) {
	for _, c := range hostCases {
		for _, pattern := range c.dns {
			f.Add(pattern, c.host)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, host string) {
		if matches(pattern, host) && !strings.Contains(pattern, "*") && host != "" && host[0] != '.' && !strings.EqualFold(pattern, host) {
			t.Errorf("%q matches %q", pattern, host)
		}
	})
}
