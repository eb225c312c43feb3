package epoll

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/internal/poll"
	"weir/stream/offline"
)

// patient is a preread handler that waits for bytes.
type patient struct{}

// Handle waits for a byte.
func (patient) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) == 0 {
		return stream.More, nil
	}
	return stream.Done, nil
}

// TestSocketThatCanNotBeWatchedEndsItsSession makes the kernel refuse a socket that is in the set
// already.
func TestSocketThatCanNotBeWatchedEndsItsSession(t *testing.T) {
	env, lines := offline.NewEnv(time.Now)
	l, err := newLoop(env)
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	pair := socketPair(t)
	if e := poll.EpollAdd(l.set.FD, pair[0], &unix.EpollEvent{}); e != 0 {
		t.Fatal(e)
	}
	content := &drivertest.Proxy{Spec: &relay.Spec{BufferSize: 1024}}
	listen := &stream.Listen{Config: stream.NewConfig(), Default: &stream.Server{
		Content: content, Settings: stream.Settings{ErrorLog: env.Log, PrereadBufferSize: 16, PrereadTimeout: time.Minute},
	}}
	listen.Default.Handlers[stream.Preread] = []stream.Handler{patient{}}
	l.load.sessions.Add(1)
	l.load.connections.Add(1)
	l.serve(&accepted{fd: pair[0], listen: listen})
	if n := l.load.sessions.Load(); n != 0 {
		t.Errorf("%d sessions are open, want none", n)
	}
	if n := lines.Count("[alert] *1 epoll_ctl() failed (17: File exists)"); n != 1 {
		t.Errorf("got log %q, want one line of the call that failed", lines.All())
	}
	if n, err := unix.Read(int(pair[1]), make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the client reads %d, %v; want the end", n, err)
	}
}

// TestListenThatFailsLeavesNothing gives the driver a listener whose second descriptor cannot be
// watched.
func TestListenThatFailsLeavesNothing(t *testing.T) {
	env, _ := offline.NewEnv(time.Now)
	d, err := New(env, Options{Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	file, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pair := socketPair(t)
	defer unix.Close(int(pair[0]))
	port := &stream.Listener{FDs: []int{int(pair[0]), int(file.Fd())}}
	if err := d.Listen(port); !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want that a file cannot be watched", err)
	}
	l := d.all()[0]
	l.mail.Call(func() error {
		if len(l.listeners) > 0 {
			t.Error("the first loop still has the listener")
		}
		if e := poll.EpollAdd(l.set.FD, pair[0], &unix.EpollEvent{}); e != 0 {
			t.Errorf("the first loop watches the socket still: %v", e)
		}
		return nil
	})
}
