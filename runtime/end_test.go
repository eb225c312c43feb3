package runtime

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/directives"
	"weir/directives/conf"
	"weir/internal/testwait"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

var endingSignals = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}

// mustHaveEnded waits until the Master has ended.
func (b *testMaster) mustHaveEnded() {
	b.t.Helper()
	select {
	case <-b.done:
	case <-time.After(testwait.Patience):
		b.t.Fatal("the process has not ended")
	}
}

func (b *testMaster) mustHaveNoPidFile() {
	b.t.Helper()
	if _, err := os.Stat(filepath.Join(b.dir, "weir.pid")); !errors.Is(err, os.ErrNotExist) {
		b.t.Errorf("pid file: got %v, want none", err)
	}
}

func TestSignalStopsBindRetriesOfAStart(t *testing.T) {
	for _, s := range endingSignals {
		t.Run(s.String(), func(t *testing.T) {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			b := newTestMaster(t)
			b.pause = time.Hour
			b.setProgram(b.program(stream.Addr{IP: addrOfListener(taken)}))
			over := make(chan error, 1)
			go func() { over <- b.start() }()
			testwait.Eventually(t, "a pause", func() bool { return b.log.has("[notice] try again to bind() after 3600000ms") })
			b.signal(s)
			if err := <-over; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
			if !b.log.has("[notice] exit") {
				t.Errorf("got %q, want an exit", b.log.take())
			}
			b.mustHaveNoPidFile()
		})
	}
}

func TestSignalStopsBindRetriesOfAReload(t *testing.T) {
	for _, s := range endingSignals {
		t.Run(s.String(), func(t *testing.T) {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			b := newTestMaster(t)
			b.pause = time.Hour
			b.serve(b.program(freeAddr(t)))
			b.setProgram(b.program(stream.Addr{IP: addrOfListener(taken)}))
			b.signal(syscall.SIGHUP)
			testwait.Eventually(t, "a pause", func() bool { return b.log.has("[notice] try again to bind() after 3600000ms") })
			b.signal(syscall.SIGHUP) // comes after the signal that ends
			b.signal(s)
			b.mustHaveEnded()
			b.mustHaveNoPidFile()
		})
	}
}

// hangUntilEnd returns a function that hangs until the test ends.
func hangUntilEnd(t *testing.T) (hang func()) {
	t.Helper()
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return func() { <-end }
}

func TestQuitDoesNotWaitForAHangingRead(t *testing.T) {
	hang := hangUntilEnd(t)
	b := newTestMaster(t)
	b.serve(b.program(freeAddr(t)))
	begun := make(chan struct{})
	b.load = func(parser.Source, *conf.Env) (*directives.Program, diag.List) {
		close(begun)
		hang()
		return nil, nil
	}
	b.signal(syscall.SIGHUP)
	<-begun
	b.signal(syscall.SIGQUIT)
	b.mustHaveEnded()
	b.mustHaveNoPidFile()
}

// A hangingPart takes a long time to open.
type hangingPart struct {
	*testPart
	hang  func()
	begun chan struct{}
}

func (p hangingPart) Open(ctx context.Context, env *stream.Env, old stream.Part) error {
	close(p.begun)
	p.hang()
	return p.testPart.Open(ctx, env, old)
}

func TestLateOpenIsClosed(t *testing.T) {
	end := make(chan struct{})
	part := hangingPart{newTestPart("zone a"), func() { <-end }, make(chan struct{})}
	b := newTestMaster(t)
	b.serve(b.program(freeAddr(t)))
	p := b.program(freeAddr(t))
	p.Stream.Parts = []stream.Part{part}
	b.setProgram(p)
	b.signal(syscall.SIGHUP)
	<-part.begun
	b.signal(syscall.SIGTERM)
	b.mustHaveEnded()
	close(end)
	<-part.closed
}

// A hangingDriver hangs in the calls that the test selects.
type hangingDriver struct {
	stream.Driver
	hang                         func()
	listen, forget, abort, close bool
}

func (d *hangingDriver) Listen(p *stream.Listener) error {
	if d.listen {
		d.hang()
	}
	return d.Driver.Listen(p)
}

func (d *hangingDriver) Forget(p *stream.Listener) {
	if d.forget {
		d.hang()
	}
	d.Driver.Forget(p)
}

func (d *hangingDriver) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	if d.abort {
		d.hang()
	}
	d.Driver.Abort(match, b)
}

func (d *hangingDriver) Close() error {
	if d.close {
		d.hang()
	}
	return d.Driver.Close()
}

func TestTerminateDoesNotWaitForAHangingDriver(t *testing.T) {
	for name, d := range map[string]hangingDriver{
		"forget": {forget: true}, "close": {close: true}, "abort": {abort: true}, "all": {forget: true, abort: true, close: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestMaster(t)
			released := make(chan struct{})
			d.Driver, d.hang = b.sessions, func() { <-released }
			b.driver, b.patience = &d, time.Millisecond
			addr := freeAddr(t)
			p := b.program(addr)
			p.Main.ShutdownTimeout = time.Millisecond
			b.serve(p)
			mustPing(t, dial(t, addr))
			if err := b.reload(b.program(addr)); err != nil { // starts an Abort
				t.Fatal(err)
			}
			b.signal(syscall.SIGTERM)
			b.mustHaveEnded()
			b.mustHaveNoPidFile()
			close(released)
			testwait.Eventually(t, "the calls that were given", func() bool { b.orders.mu.Lock(); defer b.orders.mu.Unlock(); return !b.orders.running })
		})
	}
}

// TestTerminateEndsPartsWhileADriverCloses checks that the last work of parts, such as writing their
// state, does not wait for the driver. A busy machine may need several attempts.
func TestTerminateEndsPartsWhileADriverCloses(t *testing.T) {
	for range 5 {
		b := newTestMaster(t)
		part := newTestPart("zone a")
		var waited time.Duration
		closing := hangingDriver{Driver: b.sessions, close: true, hang: func() {
			begun := time.Now()
			<-part.running
			waited = time.Since(begun)
		}}
		b.driver = &closing
		p := b.program(freeAddr(t))
		p.Stream.Parts = []stream.Part{part}
		b.serve(p)
		<-part.running
		b.signal(syscall.SIGTERM)
		b.mustHaveEnded()
		testwait.Eventually(t, "the end of Close", func() bool { b.orders.mu.Lock(); defer b.orders.mu.Unlock(); return !b.orders.running })
		if waited < sessionsPatience {
			return
		}
	}
	t.Error("parts end after the time limit of the driver")
}

func TestReloadContinuesWithoutAHangingLoop(t *testing.T) {
	b := newTestMaster(t)
	released := make(chan struct{})
	b.driver, b.patience = &hangingDriver{Driver: b.sessions, hang: func() { <-released }, forget: true}, time.Millisecond
	kept, removed := freeAddr(t), freeAddr(t)
	b.serve(b.program(kept, removed))
	if err := b.reload(b.program(kept)); err != nil {
		t.Fatal(err)
	}
	if want := "[alert] an event loop has not responded for 1ms, continuing without it"; !b.log.has(want) {
		t.Errorf("got %q, want a line %q", b.log.take(), want)
	}
	mustPing(t, dial(t, kept))
	close(released)
	testwait.Eventually(t, "the removed address closes", func() bool {
		_, err := net.Dial("tcp", removed.String())
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

func TestSignalsAreHandledWhileALogHangs(t *testing.T) {
	b := newTestMaster(t)
	p := b.program(freeAddr(t))
	path := filepath.Join(b.dir, "access.log")
	file := p.Stream.Files.Get(path)
	b.serve(p)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	b.signal(syscall.SIGUSR1)
	refused := `[emerg] open() "` + path + `" failed (6: No such device or address)`
	testwait.Eventually(t, "the refusal of a pipe without a reader", func() bool { return b.log.has(refused) })
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	b.signal(syscall.SIGUSR1)
	full := `[alert] log queue of "` + path + `" is full, lines lost: `
	testwait.Eventually(t, "a full pipe and a full queue", func() bool {
		file.Put([]byte(strings.Repeat("x", 1<<20) + "\n"))
		return b.log.hasPrefix(full)
	})
	b.signal(syscall.SIGUSR1)
	b.signal(syscall.SIGQUIT)
	b.mustHaveEnded()
}

func TestDeadlineRemovesThePidFileAndExits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.pid")
	file := &pidFile{}
	if err := file.moveTo(path, 1); err != nil {
		t.Fatal(err)
	}
	d := newDeadline(&currentLog{}, file, nil)
	exited := make(chan int, 1)
	d.exit = func(code int) { exited <- code }
	d.arm()
	d.arm()
	if code := <-exited; code != exitOK {
		t.Errorf("got exit code %d, want %d", code, exitOK)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pid file: got %v, want none", err)
	}
}

func TestDeadlineDoesNotWaitForAHangingFileSystem(t *testing.T) {
	file := &pidFile{}
	file.mu.Lock() // as if a removal hangs
	d := newDeadline(&currentLog{}, file, nil)
	exited := make(chan int, 1)
	d.exit = func(code int) { exited <- code }
	d.pass()
	<-exited
	file.mu.Unlock()
}
