package directives

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"weir/parser"
)

// manyPorts matches a range of ports so large that compiling it would take all the time of the
// fuzzer.
var manyPorts = regexp.MustCompile(`\d-\d{3}`)

// FuzzLoad checks that every text either compiles or has an error reported.
func FuzzLoad(f *testing.F) {
	for _, c := range goldenSeeds(f) {
		f.Add(c)
	}
	for _, params := range []string{
		"backlog=5 reuseport bind", "so_keepalive=30m::10", "so_keepalive=::", "ipv6only=off", "fastopen=5 deferred", "rcvbuf=1g", "udp ssl",
		"proxy_protocol default_server", "=", "backlog=",
	} {
		f.Add("events {} stream { server { listen 1883 " + params + "; proxy_pass 127.0.0.1:1884; } }")
	}
	f.Add("events {} error_log syslog:server=[::1]:514,facility=local0,tag=x,nohostname,severity=info;")
	f.Fuzz(func(t *testing.T, text string) {
		if manyPorts.MatchString(text) {
			t.Skip()
		}
		env := testEnv()
		env.LookupHost = lookupExample
		env.ReadFile = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
		env.ReadState = env.ReadFile
		env.ReadState = env.ReadFile
		p, found := Load(parser.Source{
			Path: "/p/nginx.conf", Text: []byte(text),
			ReadFile: env.ReadFile,
			Glob:     func(string) ([]string, error) { return nil, nil },
		}, env)
		if (p == nil) != (found.Err() != nil) {
			t.Fatalf("%.200q: a program is %v, and what was found %v", text, p != nil, found)
		}
		if p != nil {
			closeParts(t, p.Stream.Parts)
		}
	})
}

// goldenSeeds are the configurations of the golden files.
func goldenSeeds(f *testing.F) (all []string) {
	f.Helper()
	for _, folder := range []string{"core", "stream", "upstream", "proxy", "mqtt_preread", "http"} {
		for _, c := range goldenCases(f, folder) {
			all = append(all, c.part("nginx.conf"))
		}
	}
	return all
}

// FuzzRuntimeAddress checks that the result of a proxy_pass with variables is an address to connect
// to, or an error.
func FuzzRuntimeAddress(f *testing.F) {
	for _, text := range []string{"127.0.0.1:80", "[::1]:80", "unix:/s", "b.example:80", "127.0.0.1", "", ":", "1-2:3", "0x7f.1:80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := parsePlace(text)
		addr, host := to.Addr, to.Host
		switch {
		case err != nil:
		case addr.IsValid() && !addr.Unix && addr.IP.Port() == 0:
			t.Errorf("%q is %v without a port", text, addr)
		case !addr.IsValid() && (host == "" || strings.Contains(host, "/")):
			t.Errorf("%q is no address, and the host %q", text, host)
		}
	})
}
