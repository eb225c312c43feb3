package epoll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/offline"
)

// TestPauseLeavesTheLoopAlone tests that a side that waits for its rate is not tried again too
// early: neither when the rate allows nothing, nor in the pause after a read.
func TestPauseLeavesTheLoopAlone(t *testing.T) {
	env, _ := offline.NewEnv(time.Now)
	l, err := newLoop(env)
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	client, peer := socketPair(t), socketPair(t)
	c := l.newConn(client[0])
	c.s = &stream.Session{Env: env, Server: &stream.Server{}}
	c.up.fd = peer[0]
	l.load.sessions.Add(1)
	l.load.connections.Add(2)
	c.startRelay(&relay.Spec{BufferSize: 4, Upload: 4})
	if _, err := unix.Write(int(client[1]), []byte("12345678")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.client.ready = true
		if c.carry(&c.client) {
			t.Fatal("the relay is over")
		}
		if len(l.ready) > 0 || !c.client.paused() {
			t.Fatalf("%d sides to be tried again, resting %v; want none, and a pause", len(l.ready), c.client.paused())
		}
	}
	if n := c.s.Traffic.FromClient.Load(); n != 4 {
		t.Errorf("read %d bytes, want the 4 of the first second", n)
	}
}

// socketPair returns two connected unix sockets. The test closes the second.
func socketPair(t *testing.T) [2]int32 {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	return [2]int32{int32(fds[0]), int32(fds[1])}
}
