package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/stream"
	"weir/web"
)

// countListening counts the sockets of the process's network namespace that listen on a, as listed by the
// kernel.
func countListening(t *testing.T, a stream.Addr) int {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(table, fmt.Appendf(nil, ": 0100007F:%04X 00000000:0000 0A ", a.IP.Port()))
}

// withReusePort turns reuseport on at all addresses.
func withReusePort(p *directives.Program) *directives.Program {
	for _, l := range p.Stream.Listens {
		l.Options.ReusePort = true
	}
	return p
}

// mustServe makes more connections than one socket is likely to get by chance.
func mustServe(t *testing.T, a stream.Addr) {
	t.Helper()
	for range 24 {
		mustPing(t, dial(t, a))
	}
}

func TestReusePortOpensASocketForEachLoop(t *testing.T) {
	b := newTestMaster(t)
	b.loops = 3
	shared, own := freeAddr(t), freeAddr(t)
	p := b.program(shared, own)
	p.Stream.Listens[0].Options.ReusePort = true
	b.serve(p)
	for addr, want := range map[stream.Addr]int{shared: 3, own: 1} {
		if got := countListening(t, addr); got != want {
			t.Errorf("%v: got %d sockets, want %d", addr, got, want)
		}
		if got := len(b.ports[addr].driven()); got != want {
			t.Errorf("%v: the driver has %d sockets, want %d", addr, got, want)
		}
		for _, s := range b.ports[addr].sockets {
			got, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT)
			if err != nil || got != boolInt(want > 1) {
				t.Errorf("%v: SO_REUSEPORT: got %d, %v, want %d", addr, got, err, boolInt(want > 1))
			}
			if got := backlogOf(t, s); got != 511 {
				t.Errorf("%v: backlog: got %d, want 511", addr, got)
			}
		}
		mustServe(t, addr)
	}
}

func TestReloadChangesReusePort(t *testing.T) {
	tests := []struct {
		name     string
		from, to bool
		want     int
	}{
		{"kept on", true, true, 3},
		{"on", false, true, 3},
		{"off", true, false, 1},
		{"kept off", false, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newTestMaster(t)
			b.loops = 3
			addr := freeAddr(t)
			program := func(shared bool) *directives.Program {
				if shared {
					return withReusePort(b.program(addr))
				}
				return b.program(addr)
			}
			b.serve(program(tt.from))
			before := b.ports[addr].descriptors()
			old := dial(t, addr)
			mustPing(t, old)
			if err := b.reload(program(tt.to)); err != nil {
				t.Fatal(err)
			}
			after := b.ports[addr].descriptors()
			if n := min(len(before), len(after)); !slices.Equal(after[:n], before[:n]) {
				t.Errorf("got sockets %v, want those kept of %v", after, before)
			}
			if got := countListening(t, addr); got != tt.want || len(b.ports[addr].driven()) != tt.want {
				t.Errorf("got %d sockets, the driver %d, want %d", got, len(b.ports[addr].driven()), tt.want)
			}
			mustServe(t, addr)
			mustPing(t, old)
		})
	}
}

func TestFailedReloadClosesNewReusePortSockets(t *testing.T) {
	b := newTestMaster(t)
	b.loops = 2
	addr, taken := freeAddr(t), freeAddr(t)
	b.serve(b.program(addr))
	blocker, err := listenOn(&stream.Listen{Addr: taken, Options: stream.ListenOptions{Backlog: 1}}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(blocker.close)
	if err := b.reload(withReusePort(b.program(addr, taken))); !errors.Is(err, errStillInUse) {
		t.Errorf("got %v, want %v", err, errStillInUse)
	}
	if got := countListening(t, addr); got != 1 {
		t.Errorf("after a failed reload: got %d sockets, want 1", got)
	}
	mustServe(t, addr)
}

func TestReusePortOfAUnixSocketFails(t *testing.T) {
	b := newTestMaster(t)
	b.loops = 2
	path := stream.UnixAddr(b.dir + "/w.sock")
	b.setProgram(withReusePort(b.program(path)))
	err := b.start()
	if !errors.Is(err, syscall.EOPNOTSUPP) && !errors.Is(err, errStillInUse) { // the latter from kernels before 6.12
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := os.Stat(path.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket file: got %v, want none", err)
	}
}

func TestTestModeBindsOneSocket(t *testing.T) {
	addr := freeAddr(t)
	p := withReusePort((&testMaster{log: &recorder{}}).program(addr))
	bound, err := binder{console: &console{}, testing: true}.bind(t.Context(), p.Stream.Listens)
	if err != nil || len(bound) != 1 {
		t.Fatal("got "+strconv.Itoa(len(bound))+" sockets, want 1:", err)
	}
	defer bound[0].discard()
	if got, _ := unix.GetsockoptInt(bound[0].fd, unix.SOL_SOCKET, unix.SO_REUSEPORT); got != 0 {
		t.Errorf("SO_REUSEPORT: got %d, want 0: it would take connections", got)
	}
}

// TestLoopsOfAReload changes the number of loops: with reuseport further ones get sockets, and no socket is closed, because
// connections may wait in it.
func TestLoopsOfAReload(t *testing.T) {
	b := newTestMaster(t)
	addr, one := freeAddr(t), freeAddr(t)
	b.loops = 2
	program := func() *directives.Program {
		p := b.program(addr, one)
		p.Stream.Listens[0].Options.ReusePort = true
		return p
	}
	b.serve(program())
	for _, tt := range []struct{ loops, sockets int }{{3, 3}, {1, 3}, {2, 3}, {4, 4}} {
		b.loops = tt.loops
		if err := b.reload(program()); err != nil {
			t.Fatal(err)
		}
		if got := countListening(t, addr); got != tt.sockets {
			t.Errorf("%d loops: got %d sockets, want %d", tt.loops, got, tt.sockets)
		}
		if got := countListening(t, one); got != 1 {
			t.Errorf("%d loops: got %d sockets without reuseport, want 1", tt.loops, got)
		}
		if got := newState(b.Master, &web.Counters{}).loops(); got != tt.loops {
			t.Errorf("got %d loops, want %d", got, tt.loops)
		}
		mustServe(t, addr)
		mustServe(t, one)
	}
}
