package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestOneSocketForEachServer checks that a silent server is asked again through the same socket:
// questions wait for a long time, and there may be many.
func TestOneSocketForEachServer(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	x := &Exchange{
		Name: "b.example", Kinds: []Kind{A},
		Attempts: []Attempt{{server.LocalAddr().(*net.UDPAddr).AddrPort(), time.Millisecond}},
	}
	ended := make(chan []Reply)
	go func() {
		replies, err := x.Do(ctx)
		if err != nil {
			t.Error(err)
		}
		ended <- replies
	}()
	clients := map[netip.AddrPort]bool{}
	for range 5 {
		_, from, err := server.ReadFromUDPAddrPort(make([]byte, maxDatagram))
		if err != nil {
			t.Fatal(err)
		}
		clients[from] = true
	}
	cancel()
	if replies := <-ended; len(replies) != 1 || replies[0].Answered {
		t.Errorf("got %+v", replies)
	}
	if len(clients) != 1 {
		t.Errorf("asked from %d sockets", len(clients))
	}
}

func TestInvalidName(t *testing.T) {
	x := &Exchange{Name: "b..example", Kinds: []Kind{A}, Attempts: []Attempt{{}}}
	if _, err := x.Do(t.Context()); !errors.Is(err, ErrInvalidName) {
		t.Errorf("got %v", err)
	}
}
