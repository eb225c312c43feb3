package dnschurn

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"

	"weir/conformance/peers"
)

// brokers are servers at every address of the loopback network. Their fleet records which client
// reached which broker.
type brokers struct {
	peers.Fleet
	listener net.Listener
	serving  sync.WaitGroup
}

func startBrokers(t *testing.T) *brokers {
	t.Helper()
	lc := net.ListenConfig{Control: onlyLoopback}
	l, err := lc.Listen(context.Background(), "tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &brokers{listener: l}
	b.serving.Go(b.accept)
	t.Cleanup(func() {
		l.Close()
		b.serving.Wait()
	})
	return b
}

func (b *brokers) port(t *testing.T) int {
	t.Helper()
	_, port, err := net.SplitHostPort(b.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// accept serves each connection as the broker at its local address.
func (b *brokers) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.serving.Go(func() { b.Broker(c.LocalAddr().String())(&peers.Conn{Conn: c}) })
	}
}
