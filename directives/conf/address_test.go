package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// describe returns an Address in short: kind, host, ports.
func describe(a Address) string {
	switch {
	case a.IsUnix:
		return "unix " + a.Host
	case a.NoPort:
		return fmt.Sprintf("%s %s no port", a.Host, a.IP)
	case a.Wildcard:
		return fmt.Sprintf("any %s %d-%d", a.IP, a.Port, a.PortEnd)
	}
	return fmt.Sprintf("%s %s %d-%d", a.Host, a.IP, a.Port, a.PortEnd)
}

// addressRow is a text and the result of parsing it for upstream and for listen: a description, or
// nginx's error.
type addressRow struct{ text, upstream, listen string }

var addressRows = []addressRow{
	{"192.0.2.1:1883", "192.0.2.1 192.0.2.1 1883-1883", "192.0.2.1 192.0.2.1 1883-1883"},
	{"b.example:1883", "b.example invalid IP 1883-1883", "b.example invalid IP 1883-1883"},
	{"1883", "1883 invalid IP no port", "any 0.0.0.0 1883-1883"},
	{"1883-1890", "1883-1890 invalid IP no port", "any 0.0.0.0 1883-1890"},
	{"1890-1883", "1890-1883 invalid IP no port", "invalid port range"},
	{"70000", "70000 invalid IP no port", "invalid port"},
	{"1-0", "1-0 invalid IP no port", "invalid port"},
	{"a-0", "a-0 invalid IP no port", "a-0 invalid IP no port"},
	{"1-a", "1-a invalid IP no port", "1-a invalid IP no port"},
	{"5-", "5- invalid IP no port", "5- invalid IP no port"},
	{"99999999999999999999", "99999999999999999999 invalid IP no port", "99999999999999999999 invalid IP no port"},
	{"*:1883", "* invalid IP 1883-1883", "any 0.0.0.0 1883-1883"},
	{"*:1883-1885", "invalid port", "any 0.0.0.0 1883-1885"},
	{"*:0", "invalid port", "invalid port"},
	{"*", "* invalid IP no port", "* 0.0.0.0 no port"},
	{"127.0.0.1:1-x", "invalid port", "invalid port"},
	{"127.0.0.1:x-2", "invalid port", "invalid port"},
	{"127.0.0.1:3000-2000", "invalid port", "invalid port range"},
	{"127.0.0.1:", "invalid port", "invalid port"},
	{"127.0.0.1:65536", "invalid port", "invalid port"},
	{"127.0.0.1:+80", "invalid port", "invalid port"},
	{"127.0.0.1", "127.0.0.1 127.0.0.1 no port", "127.0.0.1 127.0.0.1 no port"},
	{"01.2..4:80", "01.2..4 1.2.0.4 80-80", "01.2..4 1.2.0.4 80-80"},
	{"256.2.3.4:80", "256.2.3.4 invalid IP 80-80", "256.2.3.4 invalid IP 80-80"},
	{"255.255.255.255:80", "255.255.255.255 invalid IP 80-80", "255.255.255.255 invalid IP 80-80"},
	{"0.0.0.0:80", "any 0.0.0.0 80-80", "any 0.0.0.0 80-80"},
	{"[2001:db8::1]:80", "[2001:db8::1] 2001:db8::1 80-80", "[2001:db8::1] 2001:db8::1 80-80"},
	{"[::]:80-81", "invalid port", "any :: 80-81"},
	{"[::]:80", "any :: 80-80", "any :: 80-80"},
	{"[::1]", "[::1] ::1 no port", "[::1] ::1 no port"},
	{"[::1]80", "invalid host", "invalid host"},
	{"[::1", "invalid host", "invalid host"},
	{"[::1]:80/x", "invalid host", "invalid host"},
	{"[::1]:1-0", "invalid port", "invalid port"},
	{"[]:80", "no host", "no host"},
	{"[]:x", "invalid port", "invalid port"},
	{"[::g]:80", "invalid IPv6 address", "invalid IPv6 address"},
	{"[fe80::1%eth0]:80", "invalid IPv6 address", "invalid IPv6 address"},
	{"[127.0.0.1]:80", "invalid IPv6 address", "invalid IPv6 address"},
	{":80", "no host", "no host"},
	{"", "no host", "no host"},
	{"a/b:80", "invalid host", "invalid host"},
	{"a?b:80", "invalid host", "invalid host"},
	{"unix:/run/a:b", "unix /run/a:b", "unix /run/a:b"},
	{"UNIX:x", "unix x", "unix x"},
	{"unix:", "no path in the unix domain socket", "no path in the unix domain socket"},
}

func TestParseAddress(t *testing.T) {
	for _, row := range addressRows {
		t.Run(row.text, func(t *testing.T) {
			checkAddress(t, "upstream", ParseUpstream, row.text, row.upstream)
			checkAddress(t, "listen", ParseListen, row.text, row.listen)
		})
	}
}

func checkAddress(t *testing.T, use string, parse func(string) (Address, error), text, want string) {
	t.Helper()
	a, err := parse(text)
	got := describe(a)
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s %q: got %s, want %s", use, text, got, want)
	}
}

func TestUnixPathLength(t *testing.T) {
	longest := strings.Repeat("x", 107)
	checkAddress(t, "longest", ParseUpstream, "unix:"+longest, "unix "+longest)
	checkAddress(t, "too long", ParseUpstream, "unix:"+longest+"x", "too long path in the unix domain socket")
}

func TestResolveAddress(t *testing.T) {
	lookup := func(name string) ([]netip.Addr, error) {
		switch name {
		case "b.example":
			return []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("192.0.2.1")}, nil
		case "mapped.example":
			return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.7")}, nil
		case "empty.example":
			return nil, nil
		}
		return noNames(name)
	}
	tests := []struct{ text, want string }{
		{"b.example:80-81", "[::1]:80 192.0.2.1:80 [::1]:81 192.0.2.1:81"},
		{"mapped.example:80", "[::ffff:192.0.2.7]:80"},
		{"192.0.2.9:80", "192.0.2.9:80"},
		{"[::2]:80", "[::2]:80"},
		{"[::ffff:192.0.2.7]:80", "[::ffff:192.0.2.7]:80"},
		{"*:80", "0.0.0.0:80"},
		{"unix:/run/x", "unix:/run/x"},
		{"127.1:80", "127.0.0.1:80"},
		{"0x7f.010.3:80", "127.8.0.3:80"},
		{"255.255.255.255:80", "255.255.255.255:80"},
		{"1.2.3.4.5:80", "host not found"},
		{"1.2.70000:80", "host not found"},
		{"empty.example:80", "host not found"},
		{"none.example:80", "host not found"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			a, err := ParseListen(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			addrs, err := a.Resolve(lookup)
			var got []string
			for _, addr := range addrs {
				got = append(got, addr.String())
			}
			if err != nil {
				got = []string{err.Error()}
			}
			if want := strings.Split(tt.want, " "); err == nil && !slices.Equal(got, want) || err != nil && got[0] != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
