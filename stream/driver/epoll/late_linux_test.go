package epoll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/internal/poll"
	"weir/stream/offline"
)

// TestLateLoopReadsEventsFirst delays a loop beyond proxy_timeout while more sessions have data
// than a wait returns events.
func TestLateLoopReadsEventsFirst(t *testing.T) {
	const sessions = poll.EventsPerWait + 50
	env, _ := offline.NewEnv(time.Now)
	l, err := newLoop(env)
	if err != nil {
		t.Fatal(err)
	}
	l.setNow(time.Now().Add(-time.Minute))
	l.arrears.Woke(time.Duration(l.stamp), false, 1)
	var servers []int32
	for range sessions {
		client, server := socketPair(t), socketPair(t)
		c := l.newConn(client[0])
		c.s = &stream.Session{Env: env, Server: &stream.Server{}}
		c.up.fd = server[0]
		l.load.sessions.Add(1)
		l.load.connections.Add(2)
		c.step = uint8(stream.Relay)
		c.startRelay(&relay.Spec{BufferSize: 4, Timeout: time.Second})
		if _, err := unix.Write(int(client[1]), []byte("ping")); err != nil {
			t.Fatal(err)
		}
		servers = append(servers, server[1])
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run()
	}()
	for i, fd := range servers {
		unix.SetNonblock(int(fd), false)
		if n, err := unix.Read(int(fd), make([]byte, 4)); n != 4 {
			t.Fatalf("session %d was ended: %v", i, err)
		}
	}
	l.mail.Post(l.Stop)
	<-done
}
