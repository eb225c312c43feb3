package runtime

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"weir/directives"
)

// needMultipath skips a test if the kernel has no Multipath TCP.
func needMultipath(t *testing.T) {
	t.Helper()
	fd, err := newSocket(unix.AF_INET, unix.SOCK_STREAM, true)
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ENOPROTOOPT) {
		t.Skip("MISSING: Multipath TCP: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

// TestReloadChangesMultipath checks that a reload may change the protocol of an address: new sockets open,
// the old ones close, and sessions continue.
func TestReloadChangesMultipath(t *testing.T) {
	needMultipath(t)
	for _, tt := range []struct {
		name           string
		from, to, same bool
	}{
		{"on", false, true, false},
		{"off", true, false, false},
		{"kept on", true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newTestMaster(t)
			addr := freeAddr(t)
			program := func(multipath bool) *directives.Program {
				p := b.program(addr)
				p.Stream.Listens[0].Options.Multipath = multipath
				return p
			}
			b.serve(program(tt.from))
			before := b.ports[addr].sockets[0]
			old := dial(t, addr)
			mustPing(t, old)
			if err := b.reload(program(tt.to)); err != nil {
				t.Fatal(err)
			}
			after := b.ports[addr].sockets
			if len(after) != 1 || (after[0] == before) != tt.same {
				t.Fatalf("got sockets %v after %v; want one, the same: %v", after, before, tt.same)
			}
			want := unix.IPPROTO_TCP
			if tt.to {
				want = unix.IPPROTO_MPTCP
			}
			if got, err := unix.GetsockoptInt(after[0].fd, unix.SOL_SOCKET, unix.SO_PROTOCOL); err != nil || got != want {
				t.Errorf("got protocol %d, %v; want %d", got, err, want)
			}
			if n := len(b.ports[addr].driven()); n != 1 {
				t.Errorf("the driver has %d sockets, want 1", n)
			}
			mustServe(t, addr)
			mustPing(t, old)
		})
	}
}
