package dnschurn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"weir/conformance/peers"
	"weir/conformance/program"
)

// A visit is one connection of a client: its start, the time of its CONNACK, and its error.
type visit struct {
	client     int
	name       string // of the visit; the client sends it as its user name
	begin, end time.Time
	err        error
}

// A clientSet is the set of clients of a group. Each connects repeatedly, with one client identifier,
// one connection at a time.
type clientSet struct {
	group   *group
	clients int
	pause   time.Duration // between two connections of a client, unless one takes longer

	took time.Duration // how long they ran

	mu     sync.Mutex
	visits []visit
}

// clientID returns the client identifier of the client.
func (c *clientSet) clientID(client int) string { return fmt.Sprintf("%s-%d", c.group.name, client) }

// run runs the clients until stop is closed, and returns when all have ended.
func (c *clientSet) run(stop <-chan struct{}) {
	var all sync.WaitGroup
	began := time.Now()
	for i := range c.clients {
		first := c.pause * time.Duration(i) / time.Duration(c.clients) // start times are spread over the pause
		all.Go(func() { c.runClient(i, first, stop) })
	}
	all.Wait()
	c.took = time.Since(began)
}

func (c *clientSet) runClient(client int, first time.Duration, stop <-chan struct{}) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		timer.Reset(c.pause)
		v := visit{client: client, name: fmt.Sprintf("%s-%d", c.clientID(client), n), begin: time.Now()}
		v.err = v.connect(c.group.listen, c.clientID(client))
		c.mu.Lock()
		c.visits = append(c.visits, v)
		c.mu.Unlock()
	}
}

// connect connects, waits for CONNACK, disconnects, and checks that the connection ends in order.
func (v *visit) connect(port int, clientID string) error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(v.begin.Add(program.Patience))
	if _, err := conn.Write(peers.Connect{Level: 4, ClientID: clientID, Username: v.name}.Bytes()); err != nil {
		return err
	}
	want := peers.Connack(4)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("instead of CONNACK: %x, %w", got[:n], err)
	}
	v.end = time.Now()
	if _, err := conn.Write([]byte{0xe0, 0}); err != nil {
		return fmt.Errorf("DISCONNECT: %w", err)
	}
	if n, err := conn.Read(got); n != 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("instead of the end: %x, %w", got[:n], err)
	}
	return nil
}
