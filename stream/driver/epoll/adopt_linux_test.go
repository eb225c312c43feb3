package epoll_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/epoll"
	"weir/stream/offline"
)

// child is a session given to an orphanage.
type child struct {
	s                *stream.Session
	next             stream.Step
	client, upstream int
}

// end finishes the session.
func (c child) end() {
	c.s.Advance(stream.Event{Kind: stream.Aborted})
	syscall.Close(c.client)
	if c.upstream >= 0 {
		syscall.Close(c.upstream)
	}
}

// orphanage is an adopter that does nothing with its sessions.
type orphanage chan child

// Adopt keeps the session.
func (o orphanage) Adopt(s *stream.Session, next stream.Step, client, upstream int) {
	o <- child{s, next, client, upstream}
}

// sentinel is a preread handler that waits for a byte.
type sentinel struct{}

// Handle waits for a byte.
func (sentinel) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) == 0 {
		return stream.More, nil
	}
	return stream.Done, nil
}

// home is a loop with an adopter, and a server whose sessions wait for a byte and then for a
// handshake.
type home struct {
	d      *epoll.Driver
	addr   string
	lines  *offline.Lines
	mu     sync.Mutex
	events []stream.Event
}

// newHome returns a home with that preread_timeout.
func newHome(t *testing.T, o epoll.Options, content *drivertest.TLSContent, preread time.Duration) *home {
	t.Helper()
	h := &home{}
	var env *stream.Env
	env, h.lines = offline.NewEnv(time.Now)
	d, err := epoll.New(env, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	content.Proxy.OnEvent = func(_ *stream.Session, ev stream.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, ev)
	}
	addr, port := portFor(t, env, content, sentinel{})
	listening, _ := port.Admit()
	listening.Default.Settings.PrereadTimeout = preread
	if err := d.Listen(port); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Forget(port) })
	h.d, h.addr = d, addr
	return h
}

// saw returns the events so far.
func (h *home) saw() []stream.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

func shakesClient() *drivertest.TLSContent {
	return &drivertest.TLSContent{Proxy: &drivertest.Proxy{}, Client: &tls.Config{}}
}

// begin connects and sends the byte.
func (h *home) begin(t *testing.T) net.Conn {
	c := dial(t, h.addr)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAdopterGetsAllOfASession(t *testing.T) {
	o := make(orphanage, 1)
	upstream := echo(t)
	content := &drivertest.TLSContent{
		Proxy: &drivertest.Proxy{To: []stream.Addr{upstream}, Target: stream.Target{NoDelay: true}}, Upstream: &tls.Config{},
	}
	h := newHome(t, epoll.Options{Loops: 1, Adopter: o}, content, patience)
	c := h.begin(t)
	got := <-o
	defer got.end()
	if watched(t, got.client) || watched(t, got.upstream) {
		t.Error("the loop watches a socket that it has given away")
	}
	if got.next.Do != stream.HandshakeUpstream || got.next.TLS != content.Upstream || string(got.next.Out) != "x" {
		t.Errorf("got step %d with %q, want the handshake with the server, and x", got.next.Do, got.next.Out)
	}
	if on, err := unix.GetsockoptInt(got.upstream, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on == 0 {
		t.Errorf("TCP_NODELAY is %d, %v; want it on", on, err)
	}
	if _, err := c.Write([]byte("yz")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	eventually(t, func() bool { n, err := unix.Read(got.client, b); return err == nil && n == 2 && string(b[:2]) == "yz" })
}

// watched reports whether fd is in an epoll set of the process.
func watched(t *testing.T, fd int) bool {
	t.Helper()
	const dir = "/proc/self/fdinfo/"
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(fmt.Sprintf(`(?m)^tfd: +%d `, fd))
	return slices.ContainsFunc(list, func(e os.DirEntry) bool {
		text, _ := os.ReadFile(dir + e.Name())
		return entry.Match(text)
	})
}

// TestDeadlineIsTheAdopters tests that the loop ignores the handshake's deadline after the
// hand-off, and that its own deadlines still expire.
func TestDeadlineIsTheAdopters(t *testing.T) {
	o := make(orphanage, 1)
	content := shakesClient()
	content.Timeout = 10 * time.Millisecond
	h := newHome(t, epoll.Options{Loops: 1, Adopter: o}, content, time.Second)
	h.begin(t)
	got := <-o
	if _, err := io.ReadAll(dial(t, h.addr)); err != nil { // until preread_timeout
		t.Fatal(err)
	}
	if events := h.saw(); len(events) != 0 {
		t.Errorf("got %+v, want nothing", events)
	}
	got.end()
}

func TestAdoptedConnectionsAreCounted(t *testing.T) {
	const limit = 8
	o := make(orphanage, limit)
	h := newHome(t, epoll.Options{Loops: 1, Connections: limit, Adopter: o}, shakesClient(), patience)
	for range 3 * limit {
		var children []child
		for range limit / 2 {
			h.begin(t)
			children = append(children, <-o)
		}
		before := h.lines.Count("connected to")
		if _, err := io.ReadAll(dial(t, h.addr)); err != nil {
			t.Fatal(err)
		}
		if h.lines.Count("connected to") != before {
			t.Fatal("a session was taken beyond the limit")
		}
		for _, c := range children {
			c.end()
		}
		// Released slots arrive through the mailbox, which is read before an Abort begins.
		h.d.Abort(func(*stream.Session) bool { return false }, stream.Pace{})
	}
}

func TestPlaceIsGivenBackAfterTheEnd(t *testing.T) {
	o := make(orphanage, 1)
	h := newHome(t, epoll.Options{Loops: 1, Adopter: o}, shakesClient(), patience)
	h.begin(t)
	got := <-o
	h.d.Close()
	fds := make([]int, 2)
	if err := unix.Pipe2(fds, unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil { // may reuse the number of the mailbox's descriptor
		t.Fatal(err)
	}
	got.end()
	if n, err := unix.Read(fds[0], make([]byte, 8)); err != unix.EAGAIN {
		t.Errorf("%d bytes were written to a descriptor of somebody else, %v", n, err)
	}
	unix.Close(fds[0])
	unix.Close(fds[1])
}

func TestNoAdopter(t *testing.T) {
	h := newHome(t, epoll.Options{Loops: 1}, shakesClient(), patience)
	c := h.begin(t)
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("read %d bytes, want the end", n)
	}
	events := h.saw()
	if len(events) != 1 || events[0].Kind != stream.Failed || events[0].Op != stream.OpHandshake || events[0].Side != stream.ClientSide {
		t.Errorf("got %+v, want a handshake that failed", events)
	}
}

// TestAbortMeetsWhoLeaves tests that a paced abort loses no session to the adopter.
func TestAbortMeetsWhoLeaves(t *testing.T) {
	o := make(orphanage, 1)
	h := newHome(t, epoll.Options{Loops: 1, Adopter: o}, shakesClient(), patience)
	c := dial(t, h.addr)
	eventually(t, func() bool { return h.lines.Count("connected to") == 1 })
	h.d.Abort(func(*stream.Session) bool { return true }, stream.Pace{PerSecond: 1}) // the first one ends in a second
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("read %d bytes, want the end", n)
	}
	if events := h.saw(); len(events) != 1 || events[0].Kind != stream.Aborted || len(o) != 0 {
		t.Errorf("got %+v, %d sessions adopted; want an abort, none", events, len(o))
	}
}
