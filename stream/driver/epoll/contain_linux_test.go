package epoll

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/offline"
)

// relayed is a session with a client and a server at the other ends of its sockets.
type relayed struct {
	*conn
	client, server int32
	released       bool
}

// Release records that the session has ended.
func (r *relayed) Release() { r.released = true }

func startRelayed(t *testing.T, l *loop) *relayed {
	t.Helper()
	client, server := socketPair(t), socketPair(t)
	r := &relayed{conn: l.newConn(client[0]), client: client[1], server: server[1]}
	listen := &stream.Listen{Config: stream.NewConfig(), Default: &stream.Server{Settings: stream.Settings{ErrorLog: l.env.Log}}}
	r.s = stream.NewSession(listen, l.env, stream.Client{}, r)
	r.up.fd = server[0]
	l.load.sessions.Add(1)
	l.load.connections.Add(2)
	r.step = uint8(stream.Relay)
	r.startRelay(&relay.Spec{BufferSize: 16})
	return r
}

// TestPanicEndsOneSession tests that a panic of the driver ends only the affected session: neither
// the process, nor sessions with events in the same batch.
func TestPanicEndsOneSession(t *testing.T) {
	env, lines := offline.NewEnv(time.Now)
	l, err := newLoop(env)
	if err != nil {
		t.Fatal(err)
	}
	first, bad, last := startRelayed(t, l), startRelayed(t, l), startRelayed(t, l)
	bad.spec = nil
	for _, r := range []*relayed{first, bad, last} {
		if _, err := unix.Write(int(r.client), []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run()
	}()
	for _, r := range []*relayed{first, last} {
		if got := receive(t, r.server); got != "hello" {
			t.Errorf("the server of another session got %q", got)
		}
	}
	if got := receive(t, bad.server); got != "" {
		t.Errorf("the server of the session got %q, want the end", got)
	}
	l.mail.Post(l.Stop)
	<-done
	if !bad.released {
		t.Error("what the session held was not given back")
	}
	all := strings.Join(lines.All(), "\n")
	if strings.Count(all, "panic: ") != 1 || !strings.Contains(all, "relayEvent") {
		t.Errorf("logged %q, want one panic with its stack", all)
	}
}

// receive returns the next bytes that arrive at fd, or "" at the end.
func receive(t *testing.T, fd int32) string {
	t.Helper()
	ready := []unix.PollFd{{Fd: fd, Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ready, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n == 0 || err != nil {
			t.Fatalf("nothing came: %v", err)
		}
		var b [64]byte
		n, _ = unix.Read(int(fd), b[:])
		return string(b[:max(n, 0)])
	}
}

// TestPanicWithoutASessionIsPassedOn tests that a panic without a current session is not recovered.
func TestPanicWithoutASessionIsPassedOn(t *testing.T) {
	env, _ := offline.NewEnv(time.Now)
	l, err := newLoop(env)
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	l.mail.Post(func() { panic("without a session") })
	l.work()
}
