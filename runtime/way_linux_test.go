package runtime

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/conformance/ports"
	"weir/stream"
)

// listenWithFile listens at path, and leaves the file there when it closes.
func listenWithFile(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	t.Cleanup(func() { l.Close() })
	return l
}

func TestStaleSocketFileIsReplaced(t *testing.T) {
	tests := []struct {
		name    string
		make    func(t *testing.T, path string)
		testing bool
		bound   bool
		err     error
	}{
		{"no listener", func(t *testing.T, path string) { listenWithFile(t, path).Close() }, false, true, nil},
		{"somebody listens", func(t *testing.T, path string) { listenWithFile(t, path) }, false, false, errStillInUse},
		{"no socket", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, false, false, errStillInUse},
		{"only a test", func(t *testing.T, path string) { listenWithFile(t, path).Close() }, true, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w.sock")
			tt.make(t, path)
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			b := binder{console: &console{errorLog: (&recorder{}).log()}, pause: time.Microsecond, testing: tt.testing}
			bound, err := b.bind(t.Context(), []*stream.Listen{{Addr: stream.UnixAddr(path), Options: stream.ListenOptions{Backlog: 1}}})
			if !errors.Is(err, tt.err) || (len(bound) == 1) != tt.bound {
				t.Fatalf("got %d sockets, %v, want bound: %v, %v", len(bound), err, tt.bound, tt.err)
			}
			if after, err := os.Lstat(path); !tt.bound && (err != nil || !os.SameFile(before, after)) {
				t.Errorf("the file was changed, %v", err)
			}
			for _, s := range bound {
				dial(t, stream.UnixAddr(path))
				s.discard()
			}
		})
	}
}

// TestReloadBetweenAWildcardAndAnAddress reloads with weir's own sockets in conflict.
func TestReloadBetweenAWildcardAndAnAddress(t *testing.T) {
	b := newTestMaster(t)
	b.pause = time.Hour // must not be needed
	narrow := stream.Addr{IP: ports.ReserveAll(t)}
	wide := stream.Addr{IP: netip.AddrPortFrom(netip.IPv4Unspecified(), narrow.IP.Port())}
	b.serve(b.program(wide))
	first := dial(t, narrow)
	mustPing(t, first)
	for _, next := range []stream.Addr{narrow, wide, narrow} {
		if err := b.reload(b.program(next)); err != nil {
			t.Fatal(err)
		}
		mustPing(t, first)
		mustPing(t, dial(t, narrow))
	}
	other := stream.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), narrow.IP.Port())}
	if _, err := net.Dial("tcp", other.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("an address that is not used any more: got %v, want refused", err)
	}
}

// TestReusePortIsNotLeftOpenToOtherPrograms checks that only sockets of the process itself share an address.
func TestReusePortIsNotLeftOpenToOtherPrograms(t *testing.T) {
	b := newTestMaster(t)
	narrow := stream.Addr{IP: ports.ReserveAll(t)}
	wide := stream.Addr{IP: netip.AddrPortFrom(netip.IPv4Unspecified(), narrow.IP.Port())}
	b.serve(b.program(wide))
	if err := b.reload(b.program(narrow)); err != nil {
		t.Fatal(err)
	}
	_, err := listenOn(&stream.Listen{Addr: narrow, Options: stream.ListenOptions{Backlog: 1}}, false, nil)
	if !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("got %v, want %v", err, unix.EADDRINUSE)
	}
}
