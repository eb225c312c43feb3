package getaddrinfo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
)

// hostsFile contains names of both families.
const hostsFile = "127.0.0.1 localhost\n::1 localhost\n192.0.2.200 b\n192.0.2.7 b\n192.0.2.4 B other\n"

// iface parses the address of an interface, in the form of a prefix.
func iface(text string) ifaceAddr {
	p := netip.MustParsePrefix(text)
	return ifaceAddr{addr: p.Addr(), bits: p.Bits(), index: 2}
}

func TestLookup(t *testing.T) {
	four, six := iface("192.0.2.5/24"), iface("2001:db8::5/64")
	for _, tt := range []struct {
		name   string
		ifaces []ifaceAddr
		host   string
		ask    string
		want   string
	}{
		{"localhost on a machine without IPv6", []ifaceAddr{four}, "multi off", "localhost", "[127.0.0.1]"},
		{"localhost on a machine without IPv4", []ifaceAddr{six}, "multi off", "localhost", "[::1]"},
		{"the first line", []ifaceAddr{four, six}, "multi off", "B", "[192.0.2.200]"},
		{"all lines, those near the machine first", []ifaceAddr{four, six}, "multi on", "b", "[192.0.2.4 192.0.2.7 192.0.2.200]"},
		{"an alias", nil, "", "OTHER", "[192.0.2.4]"},
		{"a number", []ifaceAddr{four}, "", "0x7f.1", "[127.0.0.1]"},
		{"a number of the other family", []ifaceAddr{six}, "", "127.1", "[]"},
		{"nothing", nil, "", "nobody", "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testSystem(map[string]string{"nsswitch.conf": "hosts: files", "hosts": hostsFile, "host.conf": tt.host})
			s.interfaces = func() ([]ifaceAddr, error) { return tt.ifaces, nil }
			s.source = func(netip.Addr) (netip.Addr, bool) { return four.addr, true }
			got, err := s.lookup(t.Context(), tt.ask)
			if fmt.Sprint(got) != tt.want || (err == nil) != (len(got) > 0) {
				t.Errorf("got %v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// TestFilesAreReadEachTime checks that a lookup uses the current content of the files.
func TestFilesAreReadEachTime(t *testing.T) {
	files := map[string]string{"nsswitch.conf": "hosts: files"}
	s := testSystem(files)
	for _, change := range []struct{ name, text, want string }{
		{"hosts", "192.0.2.1 b", "[192.0.2.1]"}, {"hosts", "192.0.2.2 b", "[192.0.2.2]"}, {"nsswitch.conf", "hosts: mymodule", "[]"},
	} {
		files[change.name] = change.text
		if got, _ := s.lookup(t.Context(), "b"); fmt.Sprint(got) != change.want {
			t.Errorf("got %v, want %s", got, change.want)
		}
	}
}

// TestLookupEndsWithItsContext asks a name server that does not answer.
func TestLookupEndsWithItsContext(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := testSystem(map[string]string{"nsswitch.conf": "hosts: dns", "resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n"})
	s.dnsPort = server.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.lookup(ctx, "b.example")
		ended <- err
	}()
	if _, _, err := server.ReadFromUDPAddrPort(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
