package reliability

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/program"
)

// dialer connects to weir and to brokers.
var dialer = &net.Dialer{Timeout: program.Patience}

// A client is an MQTT session through weir.
type client struct{ net.Conn }

// connack is the answer to each CONNECT packet.
var connack = peers.Connack(4)

// connect opens a session. The client sends name as its user name.
func connect(addr, id, name string, timeout time.Duration) (*client, error) {
	return connectFrom(dialer, addr, id, name, timeout)
}

// connectFrom opens a session with a connection of a dialer.
func connectFrom(from *net.Dialer, addr, id, name string, timeout time.Duration) (*client, error) {
	conn, err := from.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn}
	if err := c.exchange(peers.Connect{Level: 4, ClientID: id, Username: name}.Bytes(), connack, timeout); err != nil {
		c.Close()
		return nil, fmt.Errorf("CONNECT: %w", err)
	}
	return c, nil
}

var (
	pingreq    = []byte{0xc0, 0}
	pingresp   = []byte{0xd0, 0}
	disconnect = []byte{0xe0, 0}
)

// ping sends PINGREQ and waits for the answer.
func (c *client) ping() error { return c.exchange(pingreq, pingresp, program.Patience) }

// exchange sends a packet and waits for its answer.
func (c *client) exchange(packet, answer []byte, timeout time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := c.Write(packet); err != nil {
		return err
	}
	got := make([]byte, len(answer))
	if n, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, answer) {
		return fmt.Errorf("got %d bytes %.16x, want %d bytes %.16x: %w", n, got[:n], len(answer), answer, err)
	}
	return nil
}

// leave sends DISCONNECT and waits for the end of the connection.
func (c *client) leave() error {
	defer c.Close()
	if _, err := c.Write(disconnect); err != nil {
		return err
	}
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after DISCONNECT: %d bytes, %w", n, err)
	}
	return nil
}

// A fleet is a set of clients that ping all the time.
type fleet struct {
	t       *testing.T
	clients []*client
	pings   atomic.Int64
	stop    chan struct{}
	running sync.WaitGroup
}

// pingInterval is the time between two messages of a client of a fleet.
const pingInterval = 200 * time.Millisecond

// startFleet connects a client for each identifier.
func startFleet(t *testing.T, addr string, ids []string) *fleet {
	t.Helper()
	f := &fleet{t: t, stop: make(chan struct{})}
	for _, id := range ids {
		c, err := connect(addr, id, "", program.Patience)
		if err != nil {
			t.Fatalf("client %s: %v", id, err)
		}
		f.clients = append(f.clients, c)
	}
	for i, c := range f.clients {
		first := pingInterval * time.Duration(i) / time.Duration(len(f.clients)) // spread over the interval
		f.running.Go(func() { f.run(ids[i], c, first) })
	}
	t.Cleanup(f.halt)
	return f
}

func (f *fleet) run(id string, c *client, first time.Duration) {
	defer c.Close()
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-timer.C:
		}
		if err := c.ping(); err != nil {
			f.t.Errorf("the session of %s: %v", id, err)
			return
		}
		f.pings.Add(1)
		timer.Reset(pingInterval)
	}
}

// halt closes the sessions. It may be called again.
func (f *fleet) halt() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	f.running.Wait()
}

// round waits until each session has exchanged another message on average.
func (f *fleet) round() {
	f.t.Helper()
	want := f.pings.Load() + int64(len(f.clients))
	program.Await(f.t, "messages of the fleet", func() bool { return f.pings.Load() >= want || f.t.Failed() })
}

// names returns n identifiers.
func names(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return all
}

// A visit is one connection of a client: its start, its duration until CONNACK, its end and its error.
type visit struct {
	id           string
	name         string // of the visit; the client sends it as its user name
	began, ended time.Time
	took         time.Duration
	err          error
}

// visitors connect one after another at a rate, each for a short session.
type visitors struct {
	addr    string
	ids     []string      // in turn
	rate    int           // a second
	timeout time.Duration // for CONNACK
	gate    sync.RWMutex  // a lock stops visits, and waits for those that have begun

	mu      sync.Mutex
	all     []visit
	stop    chan struct{}
	running sync.WaitGroup
}

// startVisitors starts them. They stop with the test at the latest.
func startVisitors(t *testing.T, v *visitors) *visitors {
	t.Helper()
	v.stop = make(chan struct{})
	if v.timeout == 0 {
		v.timeout = program.Patience
	}
	v.running.Go(v.run)
	t.Cleanup(func() { v.halt() })
	return v
}

func (v *visitors) run() {
	tick := time.NewTicker(time.Second / time.Duration(v.rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-v.stop:
			return
		case <-tick.C:
		}
		id := v.ids[i%len(v.ids)]
		v.running.Go(func() { v.visit(id, fmt.Sprintf("%s.%d", id, i)) })
	}
}

func (v *visitors) visit(id, name string) {
	v.gate.RLock()
	defer v.gate.RUnlock()
	one := visit{id: id, name: name, began: time.Now()}
	c, err := connect(v.addr, id, name, v.timeout)
	one.took = time.Since(one.began)
	if err == nil {
		err = c.leave()
	}
	one.err, one.ended = err, time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, one)
}

// count returns how many visits have ended.
func (v *visitors) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.all)
}

// more waits for n more visits.
func (v *visitors) more(t *testing.T, n int) {
	t.Helper()
	want := v.count() + n
	program.Await(t, "visits", func() bool { return v.count() >= want })
}

// halt ends the visits and returns them. It may be called again.
func (v *visitors) halt() []visit {
	select {
	case <-v.stop:
	default:
		close(v.stop)
	}
	v.running.Wait()
	return v.all
}

// wantServed checks that each visit was served, and returns how many there were.
func (v *visitors) wantServed(t *testing.T) int {
	t.Helper()
	all := v.halt()
	for _, one := range all {
		if one.err != nil {
			t.Errorf("the visit %s: %v", one.name, one.err)
		}
	}
	return len(all)
}
