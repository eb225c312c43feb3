package runtime

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/conformance/ports"
	"weir/directives"
	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/internal/testwait"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

func TestMain(m *testing.M) {
	receiveIgnored()
	goleak.VerifyTestMain(m)
}

// receiveIgnored makes the process receive the signals that a shell lets programs in the background
// ignore: the tests expect that no signal is ignored at the start.
func receiveIgnored() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// A recorder is a log target that keeps the lines.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

// WriteLine keeps the message with its level, such as "[notice] reconfiguring".
func (r *recorder) WriteLine(level errorlog.Level, line []byte) {
	_, msg, _ := strings.Cut(strings.TrimSpace(string(line)), ": ")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf("[%s] %s", level, msg))
}

// log returns a log that writes to r.
func (r *recorder) log() *errorlog.Log {
	l := errorlog.New(time.Now, os.Getpid())
	l.Add(errorlog.Info, r)
	return l
}

// take returns the lines since the last call.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// hasPrefix reports whether a line begins with text.
func (r *recorder) hasPrefix(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.lines, func(line string) bool { return strings.HasPrefix(line, text) })
}

func (r *recorder) has(line string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.lines, line)
}

// A testMaster is a running Master with configurations built by the test.
type testMaster struct {
	*Master
	t        *testing.T
	log      *recorder
	sessions *echoDriver
	dir      string
	loops    int // of the configurations that program returns

	mu    sync.Mutex
	next  *directives.Program
	found diag.List
}

// newTestMaster returns a master that has not started.
func newTestMaster(t *testing.T) *testMaster {
	t.Helper()
	b := &testMaster{t: t, log: &recorder{}, dir: t.TempDir()}
	log := &currentLog{}
	log.Store(b.log.log())
	b.Master = newMaster(parser.Source{}, paths{prefix: b.dir + "/"}, &console{errorLog: log.Load()}, newSignalSet(log))
	b.deadline.most = time.Hour // tests of hanging calls may take long
	b.sessions = newEchoDriver(b.env)
	b.driver, b.pause = b.sessions, time.Millisecond
	b.redirect = func(*directives.Program) *logfile.File { return nil }
	b.load = func(src parser.Source, _ *conf.Env) (*directives.Program, diag.List) {
		if src.ReadFile != nil {
			src.ReadFile(src.Path)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.next, b.found
	}
	return b
}

// serve starts the bench with p. It ends with the test.
func (b *testMaster) serve(p *directives.Program) {
	b.t.Helper()
	b.setProgram(p)
	if err := b.start(); err != nil {
		b.t.Fatal(err)
	}
	go b.run()
	b.t.Cleanup(func() {
		b.signal(syscall.SIGTERM)
		<-b.done
	})
}

// signal delivers s, which is pending when signal returns.
func (b *testMaster) signal(s syscall.Signal) { b.signals.receive(s) }

// setProgram makes p the result of the next load.
func (b *testMaster) setProgram(p *directives.Program, found ...diag.Diagnostic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next, b.found = p, found
}

// reload reloads with p.
func (b *testMaster) reload(p *directives.Program, found ...diag.Diagnostic) error {
	b.setProgram(p, found...)
	_, _, err := b.Reload(b.t.Context(), parser.Source{})
	return err
}

// program returns a configuration that listens on addrs and sends back received data.
func (b *testMaster) program(addrs ...stream.Addr) *directives.Program {
	p := &directives.Program{Stream: stream.NewConfig(), Tree: &parser.Tree{Root: &parser.Block{}}}
	p.Main.WorkerProcesses = max(b.loops, 1)
	p.Main.PidFile = filepath.Join(b.dir, "weir.pid")
	p.Main.ErrorLog = b.log.log()
	server := &stream.Server{Content: heldSession{}, Settings: stream.Settings{ErrorLog: b.log.log()}}
	for _, a := range addrs {
		p.Stream.Listens = append(p.Stream.Listens, &stream.Listen{
			Config: p.Stream, Addr: a, Default: server, Options: stream.ListenOptions{Backlog: 511},
		})
	}
	return p
}

// heldSession is a content whose sessions last until an event ends them.
type heldSession struct{}

func (heldSession) Begin(*stream.Session) stream.Step { return stream.Step{Do: stream.Read, Max: 1} }
func (heldSession) Next(s *stream.Session, _ stream.Event) stream.Step {
	return s.Finish(stream.StatusOK)
}

// freeAddr returns an address that no other program gets during the test.
func freeAddr(t *testing.T) stream.Addr {
	t.Helper()
	return stream.Addr{IP: ports.Reserve(t)}
}

// dial connects to a. The connection closes when the test ends.
func dial(t *testing.T, a stream.Addr) net.Conn {
	t.Helper()
	name := a.Path
	if !a.Unix {
		name = a.String()
	}
	c, err := net.Dial(a.Network(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ping sends a byte and waits until it returns.
func ping(c net.Conn) error {
	c.SetDeadline(time.Now().Add(testwait.Patience))
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 1))
	return err
}

func mustPing(t *testing.T, c net.Conn) {
	t.Helper()
	if err := ping(c); err != nil {
		t.Fatal(err)
	}
}

// mustEnd waits until the connection ends.
func mustEnd(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(testwait.Patience))
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatalf("got %d bytes, want the end", n)
	} else if os.IsTimeout(err) {
		t.Fatal("the connection is still open")
	}
}
