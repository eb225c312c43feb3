package resolver

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"weir/internal/testwait"
)

// closedPort returns an address without a name server.
func closedPort(t *testing.T, host string) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// TestRefusals asks a server that does not exist, which is reported once, and then at once one that
// answers.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, host string
	}{
		{"IPv4", "127.0.0.1"},
		{"IPv6", "::1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dead := closedPort(t, tt.host)
			alive, r := start(t, func(o *Options) { o.Servers = append([]netip.AddrPort{dead}, o.Servers...) })
			both(t, alive)
			r.resend = testwait.Patience // which the lookup must not need
			said := make(chan netip.AddrPort, 10)
			r.OnError(func(_ string, err error, server netip.AddrPort) {
				if !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("got %v, want a refusal", err)
				}
				said <- server
			})
			if got := lookup(t, r, "b.example"); got != "[127.0.0.1 127.0.0.2 ::1]" {
				t.Errorf("got %s", got)
			}
			if len(said) != 1 {
				t.Fatalf("said %d times, want once", len(said))
			}
			if server := <-said; server != dead {
				t.Errorf("said it of %v, want %v", server, dead)
			}
		})
	}
}
