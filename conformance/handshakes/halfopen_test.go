package handshakes

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/ports"
	"weir/conformance/program"
)

// A siege is a number of clients that never complete a handshake.
type siege struct {
	clients   int
	timeout   time.Duration // ssl_handshake_timeout
	tolerance time.Duration // of the time at which weir closes a connection
	slack     time.Duration // by which the latency of honest clients may exceed twice the quiet value
}

// theSiege returns the short form, or the long one for as many clients as the descriptors allow.
func theSiege(t *testing.T) siege {
	t.Helper()
	if !soak() {
		return siege{500, 2 * time.Second, 3 * time.Second, 200 * time.Millisecond}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const perSession, reserve = 2, 1000 // weir counts two descriptors for each session
	return siege{min(5000, int(limit.Cur-reserve)/perSession), 10 * time.Second, time.Second, 5 * time.Millisecond}
}

// perHandshake limits the memory of a half-open handshake.
const perHandshake = 64 << 10

// TestHalfOpenHandshakes opens connections whose clients stop before the handshake, within the
// ClientHello, or after it, while honest clients exchange messages.
func TestHalfOpenHandshakes(t *testing.T) {
	s := theSiege(t)
	dir, addr := t.TempDir(), ports.Reserve(t).String()
	ca := newAuthority(t, dir, "ca")
	server := pair(t)(ca.Server("a.example.com"))
	w := startWeir(t, dir, fmt.Sprintf(`ssl_certificate %s; ssl_certificate_key %s; ssl_handshake_timeout %dms;
server { listen %s ssl backlog=8192; proxy_pass %s; }`, server.Cert, server.Key, s.timeout.Milliseconds(), addr, startEcho(t)))
	honest := newPingers(t, addr, &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example.com"})

	quiet := honest.measure(t, func() { honest.rounds(t, 50) })
	descriptors, memory := w.Settled(t, 0), w.Memory(t)
	var visits []halfVisit
	besieged := honest.measure(t, func() { visits = s.run(t, w, addr, descriptors, memory) })
	t.Logf("99 of 100 messages: within %v before, within %v meanwhile", quiet, besieged)
	if besieged > 2*quiet+s.slack {
		t.Errorf("honest clients wait for %v, without the attack for %v", besieged, quiet)
	}
	s.checkTimes(t, visits)
	w.Settled(t, descriptors)
}

// checkTimes checks when weir has closed the connections.
func (s siege) checkTimes(t *testing.T, visits []halfVisit) {
	t.Helper()
	first, last := program.Patience, time.Duration(0)
	for _, v := range visits {
		first, last = min(first, v.closed.Sub(v.dialled)), max(last, v.closed.Sub(v.connected))
	}
	t.Logf("closed after %v to %v", first, last)
	if first < s.timeout-time.Second || last > s.timeout+s.tolerance {
		t.Errorf("closed after %v to %v, want %v", first, last, s.timeout)
	}
}

// A halfVisit has the times of one client. weir accepts the connection between the first two.
type halfVisit struct{ dialled, connected, closed time.Time }

// openInterval is the time between the connections of a siege.
const openInterval = time.Millisecond

// run opens the connections, checks the memory of weir, and returns when weir has closed all of them.
func (s siege) run(t *testing.T, w *program.Server, addr string, descriptors, memory int) []halfVisit {
	t.Helper()
	hello := clientHello(&tls.Config{InsecureSkipVerify: true})
	parts := [][]byte{nil, hello[:3], hello[:len(hello)/2], hello}
	visits := make([]halfVisit, s.clients)
	var open sync.WaitGroup
	pace := time.NewTicker(openInterval)
	defer pace.Stop()
	for i := range s.clients {
		<-pace.C
		open.Go(func() {
			var err error
			if visits[i], err = halfOpen(addr, parts[i%len(parts)]); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	program.Await(t, "all connections", func() bool { return w.Descriptors(t) >= descriptors+s.clients })
	each := (w.Memory(t) - memory) / s.clients
	t.Logf("%d half-open handshakes, %d bytes each", s.clients, each)
	if each > perHandshake {
		t.Errorf("a half-open handshake takes %d bytes of memory, want at most %d", each, perHandshake)
	}
	open.Wait()
	return visits
}

// halfOpen sends part of a handshake, and waits until weir closes the connection.
func halfOpen(addr string, part []byte) (v halfVisit, err error) {
	v.dialled = time.Now()
	c, err := dialer.Dial("tcp", addr)
	if err != nil {
		return v, err
	}
	defer c.Close()
	v.connected = time.Now()
	if err := c.SetDeadline(v.connected.Add(program.Patience)); err != nil {
		return v, err
	}
	if _, err := c.Write(part); err != nil {
		return v, err
	}
	_, err = io.Copy(io.Discard, c)
	v.closed = time.Now()
	if errors.Is(err, syscall.ECONNRESET) { // weir had data that it did not read
		err = nil
	}
	return v, err
}

// startEcho returns the address of a server that returns all data.
func startEcho(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// pingers are honest clients that exchange messages through weir all the time.
type pingers struct {
	conns []*tls.Conn

	mu    sync.Mutex
	times []time.Duration
}

const (
	honestClients = 10
	// pingInterval is the time between messages of one client.
	pingInterval = 10 * time.Millisecond
)

func newPingers(t *testing.T, addr string, config *tls.Config) *pingers {
	t.Helper()
	p := &pingers{}
	for range honestClients {
		c, err := tls.DialWithDialer(dialer, "tcp", addr, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		p.conns = append(p.conns, c)
	}
	return p
}

// measure lets all clients exchange messages while f runs, and returns the time within which 99 of
// 100 messages have returned.
func (p *pingers) measure(t *testing.T, f func()) time.Duration {
	t.Helper()
	p.times = nil
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, c := range p.conns {
		running.Go(func() {
			if err := p.ping(c, stop); err != nil {
				t.Errorf("an honest client: %v", err)
			}
		})
	}
	f()
	close(stop)
	running.Wait()
	slices.Sort(p.times)
	return p.times[len(p.times)*99/100]
}

// rounds waits for n messages of each client.
func (p *pingers) rounds(t *testing.T, n int) {
	t.Helper()
	program.Await(t, "messages of honest clients", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.times) >= n*len(p.conns)
	})
}

// ping exchanges messages until stop is closed.
func (p *pingers) ping(c *tls.Conn, stop <-chan struct{}) error {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	message := make([]byte, 64)
	for {
		began := time.Now()
		if err := c.SetDeadline(began.Add(program.Patience)); err != nil {
			return err
		}
		if _, err := c.Write(message); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, message); err != nil {
			return err
		}
		p.mu.Lock()
		p.times = append(p.times, time.Since(began))
		p.mu.Unlock()
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
	}
}
