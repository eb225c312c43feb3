package runtime

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/internal/testwait"
	"weir/parser/diag"
	"weir/stream"
)

func TestReloadUnderTrafficDropsNothing(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	var stop atomic.Bool
	var clients sync.WaitGroup
	failed := make(chan error, 100)
	for range 10 {
		c := dial(t, addr)
		clients.Go(func() {
			for !stop.Load() {
				if err := ping(c); err != nil {
					failed <- err
					return
				}
			}
		})
		clients.Go(func() {
			for !stop.Load() {
				if err := visit(addr); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for range 30 {
		if err := b.reload(b.program(addr)); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	clients.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}

// visit connects, gets a reply, and disconnects.
func visit(a stream.Addr) error {
	c, err := net.Dial("tcp", a.String())
	if err != nil {
		return err
	}
	defer c.Close()
	return ping(c)
}

func TestHundredReloadsLeakNothing(t *testing.T) {
	b := newTestMaster(t)
	addr, other := freeAddr(t), freeAddr(t)
	b.serve(b.program(addr))
	descriptors, goroutines := openFiles(t), goruntime.NumGoroutine()
	for i := range 100 {
		p := b.program(addr)
		if i%2 == 0 {
			p = b.program(addr, other)
		}
		p.Stream.Files.Get(filepath.Join(b.dir, "access.log"))
		if err := b.reload(p); err != nil {
			t.Fatal(err)
		}
		if err := visit(addr); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.reload(b.program(addr)); err != nil {
		t.Fatal(err)
	}
	testwait.Eventually(t, "descriptors as before", func() bool { return openFiles(t) <= descriptors })
	testwait.Eventually(t, "goroutines as before", func() bool { return goruntime.NumGoroutine() <= goroutines })
}

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestReloadKeepsSocketsOfUnchangedAddresses(t *testing.T) {
	b := newTestMaster(t)
	kept, removed, added := freeAddr(t), freeAddr(t), freeAddr(t)
	path := stream.UnixAddr(filepath.Join(b.dir, "gone.sock"))
	b.serve(b.program(kept, removed, path))
	before := *b.ports[kept].sockets[0]
	onRemoved, onPath := dial(t, removed), dial(t, path)
	mustPing(t, onRemoved)
	mustPing(t, onPath)
	b.log.take()

	if err := b.reload(b.program(kept, added)); err != nil {
		t.Fatal(err)
	}
	if after := *b.ports[kept].sockets[0]; after != before {
		t.Errorf("got socket %v, want %v", after, before)
	}
	mustPing(t, dial(t, added))
	mustPing(t, onRemoved)
	mustPing(t, onPath)
	if _, err := net.Dial("tcp", removed.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("removed address: got %v, want refused", err)
	}
	if _, err := os.Stat(path.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file of the removed socket: got %v, want none", err)
	}
	if want := "[warn] deleting socket " + path.Path; !b.log.has(want) {
		t.Errorf("no line %q", want)
	}
}

func TestRejectedConfigurationKeepsTheOldOne(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	c := dial(t, addr)
	mustPing(t, c)
	b.log.take()
	err := b.reload(nil, diag.Diagnostic{
		Severity: diag.Emerg, Pos: diag.Position{File: "/n.conf", Line: 2, Col: 1}, Line: 3, Message: `unknown directive "foo"`,
	})
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{"[notice] reconfiguring", `[emerg] unknown directive "foo" in /n.conf:3`}
	if got := b.log.take(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	mustPing(t, c)
	mustPing(t, dial(t, addr))
}

// A testPart records the calls that it gets.
type testPart struct {
	key     string
	refuses error
	old     stream.Part
	opened  bool
	closed  chan struct{}
	running chan struct{} // gets a value at the start and at the end of Run
}

func newTestPart(key string) *testPart {
	return &testPart{key: key, closed: make(chan struct{}), running: make(chan struct{}, 2)}
}

func (p *testPart) Key() string { return p.key }

func (p *testPart) Open(_ context.Context, _ *stream.Env, old stream.Part) error {
	p.old, p.opened = old, p.refuses == nil
	return p.refuses
}

func (p *testPart) Close() error {
	close(p.closed)
	return nil
}

func (p *testPart) Run(ctx context.Context) {
	p.running <- struct{}{}
	<-ctx.Done()
	p.running <- struct{}{}
}

// TestHistoryHasTheLastReloads checks outcomes, counts and the limit of the history.
func TestHistoryHasTheLastReloads(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	refusal := diag.Diagnostic{Severity: diag.Emerg, Pos: diag.Position{File: "/n.conf", Line: 3}, Line: 3, Message: "no"}
	if err := b.reload(nil, refusal); err == nil {
		t.Fatal("the reload succeeded")
	}
	last, served, failed := b.history.reloads()
	if len(last) != 2 || served != 1 || failed != 1 {
		t.Fatalf("%d reloads, %d served, %d failed, want 2, 1, 1", len(last), served, failed)
	}
	if last[0].Generation != 1 || last[0].Err != "" || last[1].Generation != 0 || last[1].Err != refusal.Error() {
		t.Errorf("history %+v", last)
	}
	for range historySize {
		b.history.note(Reload{Generation: 9})
	}
	last, served, _ = b.history.reloads()
	if len(last) != historySize || last[0].Generation != 9 || served != historySize+1 {
		t.Errorf("%d reloads remembered of %d, the first %+v", len(last), served+failed, last[0])
	}
}

func TestFailedOpenIsUndone(t *testing.T) {
	b := newTestMaster(t)
	addr, added := freeAddr(t), freeAddr(t)
	nowhere := filepath.Join(b.dir, "no", "such.log")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b.serve(b.program(addr))
	descriptors := openFiles(t)

	tests := []struct {
		name string
		fail func(good, bad *testPart) error // the reload
		want string
		open bool // the good part was opened, and so must be closed
	}{
		{"log", func(good, bad *testPart) error {
			p := b.program(addr, added)
			p.Stream.Parts = []stream.Part{good}
			p.Stream.Files.Get(filepath.Join(b.dir, "fine.log"))
			p.Stream.Files.Get(nowhere)
			return b.reload(p)
		}, `[emerg] open() "` + nowhere + `" failed (2: No such file or directory)`, false},
		{"part", func(good, bad *testPart) error {
			p := b.program(addr, added)
			bad.refuses = errors.New("no zone")
			p.Stream.Parts = []stream.Part{good, bad}
			return b.reload(p)
		}, "[emerg] no zone", true},
		{"socket", func(good, bad *testPart) error {
			p := b.program(addr, added, stream.Addr{IP: addrOfListener(taken)})
			p.Stream.Parts = []stream.Part{good}
			return b.reload(p)
		}, "[emerg] still could not bind()", true},
		{"pid file", func(good, bad *testPart) error {
			p := b.program(addr, added)
			p.Stream.Parts = []stream.Part{good}
			p.Main.PidFile = nowhere
			return b.reload(p)
		}, `[emerg] open() "` + nowhere + `" failed (2: No such file or directory)`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			good, bad := newTestPart("good"), newTestPart("bad")
			if err := tt.fail(good, bad); err == nil {
				t.Fatal("accepted")
			}
			if !b.log.has(tt.want) {
				t.Errorf("got %q, want a line %q", b.log.take(), tt.want)
			}
			if tt.open {
				<-good.closed
			}
			if good.opened != tt.open {
				t.Errorf("good part opened: got %v, want %v", good.opened, tt.open)
			}
			if _, err := net.Dial("tcp", added.String()); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("new address: got %v, want refused", err)
			}
			if err := visit(addr); err != nil {
				t.Errorf("old address: %v", err)
			}
			testwait.Eventually(t, "descriptors as before", func() bool { return openFiles(t) <= descriptors })
		})
	}
}

// TestOldSessionsAreThoseOfOtherConfigurations counts sessions through a failed reload, a reload and an end.
func TestOldSessionsAreThoseOfOtherConfigurations(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	want := func(when string, old int64) {
		t.Helper()
		if got := b.oldSessions(); got != old {
			t.Errorf("%s: got %d old sessions, want %d", when, got, old)
		}
	}
	c := dial(t, addr)
	mustPing(t, c)
	bad := b.program(addr)
	bad.Main.PidFile = filepath.Join(b.dir, "no", "such.pid")
	if b.reload(bad) == nil {
		t.Fatal("accepted")
	}
	want("after a failed reload", 0)
	if err := b.reload(b.program(addr)); err != nil {
		t.Fatal(err)
	}
	want("after a reload", 1)
	mustPing(t, dial(t, addr))
	want("with a new session", 1)
	c.Close()
	testwait.Eventually(t, "the end of the old session", func() bool { return b.oldSessions() == 0 })
	if begun, ended := b.tally.begun.Load(), b.tally.ended.Load(); begun-ended != 1 {
		t.Errorf("%d sessions began and %d ended, want one to be left", begun, ended)
	}
}

func TestPartsRunUntilTheirGenerationRetires(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	first, second := newTestPart("zone a"), newTestPart("zone a")
	p := b.program(addr)
	p.Stream.Parts = []stream.Part{first}
	b.serve(p)
	<-first.running
	c := dial(t, addr)
	mustPing(t, c)

	p = b.program(addr)
	p.Stream.Parts = []stream.Part{second}
	if err := b.reload(p); err != nil {
		t.Fatal(err)
	}
	if second.old != stream.Part(first) {
		t.Errorf("predecessor: got %v, want %v", second.old, first)
	}
	<-second.running
	<-first.running // has ended
	select {
	case <-first.closed:
		t.Error("closed while a session uses it")
	default:
	}
	c.Close()
	<-first.closed
}

func TestShutdownTimeoutEndsOldSessionsOnly(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	p := b.program(addr)
	p.Main.ShutdownTimeout = time.Millisecond
	b.serve(p)
	old := dial(t, addr)
	mustPing(t, old)
	if err := b.reload(b.program(addr)); err != nil {
		t.Fatal(err)
	}
	young := dial(t, addr)
	mustPing(t, young)
	mustEnd(t, old)
	mustPing(t, young)
}

func TestQuitWaitsForSessions(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	c := dial(t, addr)
	mustPing(t, c)
	b.log.take()
	b.signal(syscall.SIGQUIT)
	testwait.Eventually(t, "the end of accepting", func() bool { return b.log.has("[notice] gracefully shutting down") })
	b.signal(syscall.SIGHUP) // ignored
	if _, err := net.Dial("tcp", addr.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want refused", err)
	}
	mustPing(t, c)
	c.Close()
	<-b.done
	want := []string{
		"[notice] signal 3 (SIGQUIT) received, shutting down",
		"[notice] gracefully shutting down",
		"[notice] signal 1 (SIGHUP) received, reconfiguring",
		"[notice] exiting", "[notice] exit", "[notice] worker process " + pid() + " exited with code 0", "[notice] exit",
	}
	if got := b.log.take(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "weir.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pid file: got %v, want none", err)
	}
}

func TestTermClosesSessions(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			b := newTestMaster(t)
			addr, path := freeAddr(t), stream.UnixAddr(filepath.Join(b.dir, "w.sock"))
			b.serve(b.program(addr, path))
			c := dial(t, addr)
			mustPing(t, c)
			if err := b.reload(b.program(addr, path)); err != nil { // c stays with the old generation
				t.Fatal(err)
			}
			b.signal(s)
			mustEnd(t, c)
			<-b.done
			if _, err := os.Stat(path.Path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("socket file: got %v, want none", err)
			}
			if _, _, err := b.Reload(t.Context(), b.source); !errors.Is(err, os.ErrClosed) {
				t.Errorf("reload afterwards: got %v, want %v", err, os.ErrClosed)
			}
		})
	}
}

func TestReloadMovesThePidFile(t *testing.T) {
	b := newTestMaster(t)
	addr := freeAddr(t)
	b.serve(b.program(addr))
	p := b.program(addr)
	p.Main.PidFile = filepath.Join(b.dir, "other.pid")
	if err := b.reload(p); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(p.Main.PidFile); string(got) != pid()+"\n" {
		t.Errorf("got %q, want %q", got, pid()+"\n")
	}
	if _, err := os.Stat(filepath.Join(b.dir, "weir.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("old file: got %v, want none", err)
	}
}

func TestReopenFollowsRenamedLogs(t *testing.T) {
	b := newTestMaster(t)
	path := filepath.Join(b.dir, "access.log")
	p := b.program(freeAddr(t))
	file := p.Stream.Files.Get(path)
	b.serve(p)
	file.Write([]byte("one"))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	b.signal(syscall.SIGUSR1)
	testwait.Eventually(t, "a new file", func() bool { _, err := os.Stat(path); return err == nil })
	testwait.Eventually(t, "writes go there", func() bool {
		file.Write([]byte("two"))
		got, _ := os.ReadFile(path)
		return len(got) > 0
	})
}
