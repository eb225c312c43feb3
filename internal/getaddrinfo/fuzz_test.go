package getaddrinfo

import (
	"errors"
	"io/fs"
	"net/netip"
	"testing"
)

// FuzzFiles checks that any bytes are a configuration: nsswitch.conf names sources, hosts and
// gai.conf are read, and resolv.conf has servers within the limits.
func FuzzFiles(f *testing.F) {
	f.Add("hosts: files [!UNAVAIL=return] dns\n", "127.0.0.1 a b\n::1 a\n", "nameserver 1\nsearch a b\noptions ndots:9 rotate\nsortlist 1/2&3\n",
		"precedence ::/0 1\nlabel ::1 2\nscopev4 ::ffff:0.0.0.0/96 3\n", "a")
	f.Add("hosts:[", "300.1.1.1", "nameserver\tfe80::1%lo\noptions timeout:99999999999999999999 attempts:-1", "label ::/129 1", "127.1")
	f.Fuzz(func(t *testing.T, nsswitch, hosts, resolv, gai, name string) {
		s := testSystem(map[string]string{"nsswitch.conf": nsswitch, "hosts": hosts, "resolv.conf": resolv, "gai.conf": gai})
		s.sources()
		for _, family := range []family{anyFamily, onlyIPv4, onlyIPv6} {
			found, _ := s.askFiles(name, family)
			for _, ip := range found {
				if family == onlyIPv4 && !ip.Is4() || family == onlyIPv6 && ip.Is4() {
					t.Errorf("%v for %v", ip, family)
				}
			}
		}
		c := s.resolvConf()
		if n := len(c.servers); n < 1 || n > maxServers || c.attempts < 1 || c.attempts > maxAttempts || c.ndots > maxNdots {
			t.Errorf("%+v", c)
		}
		for i := range c.servers {
			if d := c.wait(i).Seconds(); d < 1 || d > 2*maxTimeout {
				t.Errorf("waits %v s", d)
			}
		}
		addrs := []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")}
		s.sort(addrs, s.local())
		Numeric(name)
		isHostname(name)
	})
}

// testSystem is a machine with the given files, which may change, and without interfaces,
// environment and host name.
func testSystem(files map[string]string) *system {
	return &system{
		read: func(name string) (string, error) {
			text, ok := files[name]
			if !ok {
				return "", fs.ErrNotExist
			}
			return text, nil
		},
		getenv: func(string) string { return "" }, hostname: func() (string, error) { return "", errors.New("none") },
		interfaces: func() ([]ifaceAddr, error) { return nil, nil },
		source:     func(netip.Addr) (netip.Addr, bool) { return netip.Addr{}, false },
	}
}
