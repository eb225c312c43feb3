package runtime

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// socketAt opens a socket for a test, on a port number chosen by the system.
func socketAt(t *testing.T, ip string, o stream.ListenOptions) *socket {
	t.Helper()
	addr := stream.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr(ip), 0)}
	p, err := binder{console: &console{}}.open(&stream.Listen{Addr: addr, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func TestListenOptionsReachTheSocket(t *testing.T) {
	keep := stream.KeepAlive{Set: true, On: true, Idle: 70 * time.Second, Interval: 5 * time.Second, Count: 3}
	tests := []struct {
		name          string
		ip            string
		options       stream.ListenOptions
		level, number int
		want          int
	}{
		{"address is taken over from closed sockets", "127.0.0.1", stream.ListenOptions{}, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{"reuseport", "127.0.0.1", stream.ListenOptions{ReusePort: true}, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{"no reuseport", "127.0.0.1", stream.ListenOptions{}, unix.SOL_SOCKET, unix.SO_REUSEPORT, 0},
		{"ipv6only", "::1", stream.ListenOptions{IPv6Only: true}, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
		{"ipv6only=off", "::", stream.ListenOptions{}, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0},
		{"rcvbuf", "127.0.0.1", stream.ListenOptions{RcvBuf: 8192}, unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * 8192}, // Linux doubles
		{"sndbuf", "127.0.0.1", stream.ListenOptions{SndBuf: 8192}, unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * 8192},
		{"so_keepalive", "127.0.0.1", stream.ListenOptions{KeepAlive: keep}, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"keepidle", "127.0.0.1", stream.ListenOptions{KeepAlive: keep}, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 70},
		{"keepintvl", "127.0.0.1", stream.ListenOptions{KeepAlive: keep}, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
		{"keepcnt", "127.0.0.1", stream.ListenOptions{KeepAlive: keep}, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{"fastopen", "127.0.0.1", stream.ListenOptions{FastOpen: 10}, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 10},
		{"deferred", "127.0.0.1", stream.ListenOptions{Deferred: true}, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1},
		{"not deferred", "127.0.0.1", stream.ListenOptions{}, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Backlog = 511
			got, err := unix.GetsockoptInt(socketAt(t, tt.ip, tt.options).fd, tt.level, tt.number)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// backlogOf returns the backlog of a listening socket from the kernel, which stores it in the field for
// unacknowledged segments.
func backlogOf(t *testing.T, s *socket) int {
	t.Helper()
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sacked)
}

func TestReloadChangesOptionsOfKeptSockets(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	s := b.ports[addr].sockets[0]
	if got := backlogOf(t, s); got != 511 {
		t.Fatalf("backlog: got %d, want 511", got)
	}
	p := b.program(addr)
	p.Stream.Listens[0].Options = stream.ListenOptions{Backlog: 77, Deferred: true}
	if err := b.reload(p); err != nil {
		t.Fatal(err)
	}
	if got := backlogOf(t, s); got != 77 {
		t.Errorf("backlog: got %d, want 77", got)
	}
	if got, _ := unix.GetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT); got != 1 {
		t.Errorf("deferred: got %d, want 1", got)
	}
	if err := b.reload(b.program(addr)); err != nil {
		t.Fatal(err)
	}
	if got, _ := unix.GetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT); got != 0 {
		t.Errorf("deferred no more: got %d, want 0", got)
	}
}

func TestUnixSocketIsWritableByAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.sock")
	s, err := listenOn(&stream.Listen{Addr: stream.UnixAddr(path), Options: stream.ListenOptions{Backlog: 5}}, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != fs.FileMode(0o666) {
		t.Errorf("got mode %v, want 0666", got)
	}
}

func TestBindTriesFiveTimes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr, free := addrOfListener(taken), freeAddr(t)
	listens := []*stream.Listen{{Addr: stream.Addr{IP: addr}}, {Addr: free}}

	log := &recorder{}
	bound, err := binder{console: &console{errorLog: log.log()}, pause: time.Millisecond}.bind(t.Context(), listens)
	if !errors.Is(err, errStillInUse) {
		t.Errorf("got %v, want %v", err, errStillInUse)
	}
	if len(bound) != 1 || bound[0].addr != free {
		t.Errorf("got %d ports bound, want that of %v", len(bound), free)
	}
	for _, p := range bound {
		p.discard()
	}
	var want []string
	for range 5 {
		want = append(want, "[emerg] bind() to "+addr.String()+" failed (98: Address already in use)",
			"[notice] try again to bind() after 1ms")
	}
	if got := log.take(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBindRetriesUntilThePortIsFree(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listens := []*stream.Listen{{Addr: stream.Addr{IP: addrOfListener(taken)}}}
	b := binder{console: &console{errorLog: (&recorder{}).log()}, pause: 20 * time.Millisecond}
	done := make(chan error)
	go func() {
		bound, err := b.bind(t.Context(), listens)
		for _, p := range bound {
			p.discard()
		}
		done <- err
	}()
	taken.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBindDoesNotRetryOtherErrors(t *testing.T) {
	listens := []*stream.Listen{{Addr: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:1883")}}}
	log := &recorder{}
	_, err := binder{console: &console{errorLog: log.log()}}.bind(t.Context(), listens)
	want := "bind() to 192.0.2.1:1883 failed (99: Cannot assign requested address)"
	if !errors.Is(err, syscall.EADDRNOTAVAIL) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := log.take(); len(got) > 0 {
		t.Errorf("got %q, want it left to the caller", got)
	}
}

func TestTestModeIgnoresAnAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	l := &stream.Listen{Addr: stream.Addr{IP: addrOfListener(taken)}, Options: stream.ListenOptions{ReusePort: true}}
	log := &recorder{}
	bound, err := binder{console: &console{errorLog: log.log()}, testing: true}.bind(t.Context(), []*stream.Listen{l})
	if err != nil || len(bound) != 0 || len(log.take()) != 0 {
		t.Errorf("got %v, %v, want silence", bound, err)
	}
}

// TestFailingSocketOption checks that a test of a configuration does not report a failing option, because it
// sets no options of listening sockets.
func TestFailingSocketOption(t *testing.T) {
	addr := stream.UnixAddr(filepath.Join(t.TempDir(), "s"))
	for _, isTest := range []bool{false, true} {
		var printed bytes.Buffer
		b := binder{console: &console{stderr: &printed}, testing: isTest}
		s, err := b.open(&stream.Listen{Addr: addr, Options: stream.ListenOptions{Deferred: true, Backlog: 5}})
		if err != nil {
			t.Fatal(err)
		}
		s.discard()
		want := "setsockopt(TCP_DEFER_ACCEPT, 1) for " + addr.String() + " failed, ignored (95: Operation not supported)"
		if got := strings.Contains(printed.String(), want); got == isTest {
			t.Errorf("testing %v: got %q, want %q only without", isTest, printed.String(), want)
		}
	}
}
