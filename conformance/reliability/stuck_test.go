package reliability

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/conformance/peers"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// A stall is a phase in which clients stop.
type stall struct {
	name   string
	listen string // parameters of listen
	begin  []byte // the bytes that a client sends
	each   int    // the limit of memory of a session
}

// stallTimeout is the timeout of each phase.
var stallTimeout = scale(3*time.Second, 10*time.Second)

const (
	prereadBuffer = 16 << 10
	proxyBuffer   = 16 << 10
	// overhead is the memory of a session without its buffer.
	overhead = 4 << 10
)

var stalls = []stall{
	{name: "before CONNECT", each: overhead},
	{name: "in CONNECT", begin: peers.Connect{Level: 4, ClientID: "meter-1"}.Bytes()[:8], each: prereadBuffer + overhead},
	{name: "before the PROXY header", listen: "proxy_protocol", each: overhead},
	{name: "in the PROXY header", listen: "proxy_protocol", begin: []byte("PROXY TCP4 192.0.2.1 "), each: prereadBuffer + overhead},
}

// TestStuckClients opens sessions that stop in different phases, while others exchange messages. weir
// closes each after the timeout.
func TestStuckClients(t *testing.T) {
	for _, one := range stalls {
		t.Run(one.name, func(t *testing.T) {
			if _, on := soak(); !on { // the long form needs all descriptors
				t.Parallel()
			}
			one.run(t)
		})
	}
}

func (p stall) run(t *testing.T) {
	t.Helper()
	n := scale(500, 5000)
	s, honest := newSite(t), ports.Reserve(t).String()
	broker := threeBrokers(t)[0]
	s.start(fmt.Sprintf(`mqtt_preread on; preread_timeout %dms; proxy_protocol_timeout %dms;
server { listen $ADDR backlog=8192 %s; proxy_pass %s; }
server { listen %s; proxy_pass %s; }`, stallTimeout.Milliseconds(), stallTimeout.Milliseconds(), p.listen, broker, honest, broker))
	f := startFleet(t, honest, names("meter", 50))
	f.round()
	before := s.usage()
	began := time.Now()
	var closed sync.WaitGroup
	var first, last atomic.Int64
	first.Store(int64(program.Patience))
	for range n {
		opened := time.Now()
		c, err := dialer.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(p.begin); err != nil {
			t.Fatal(err)
		}
		closed.Go(func() {
			defer c.Close()
			if err := awaitEnd(c); err != nil {
				t.Error(err)
			}
			took := int64(time.Since(opened))
			storeLeast(&first, took)
			storeMost(&last, took)
		})
	}
	if time.Since(began) < stallTimeout/2 {
		program.Await(t, "all sessions", func() bool { return s.Descriptors(t) >= before.descriptors+n })
	}
	each := (s.Memory(t) - before.memory) / n
	f.round()
	closed.Wait()
	figure(t, "stuck clients", "%s: %d sessions, %d bytes each, closed after %v to %v", p.name, n, each,
		time.Duration(first.Load()).Round(time.Millisecond), time.Duration(last.Load()).Round(time.Millisecond))
	if each > p.each {
		t.Errorf("a session takes %d bytes, want at most %d", each, p.each)
	}
	if time.Duration(first.Load()) < stallTimeout-time.Second/2 {
		t.Errorf("the first is closed after %v, want %v", time.Duration(first.Load()), stallTimeout)
	}
	s.awaitUsage(before)
	f.halt()
	s.Quit(t)
}

func storeLeast(to *atomic.Int64, value int64) {
	for now := to.Load(); value < now && !to.CompareAndSwap(now, value); now = to.Load() {
	}
}

func storeMost(to *atomic.Int64, value int64) {
	for now := to.Load(); value > now && !to.CompareAndSwap(now, value); now = to.Load() {
	}
}

// awaitEnd reads until the other side ends the connection.
func awaitEnd(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(program.Patience)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c)
	if errors.Is(err, syscall.ECONNRESET) { // weir had data that it did not read
		return nil
	}
	return err
}

// flood returns a broker that sends without end, and the number of bytes that it has sent.
func flood() (peers.Serve, *atomic.Int64) {
	var sent atomic.Int64
	block := make([]byte, 16<<10)
	return func(c *peers.Conn) {
		defer c.Close()
		for {
			n, err := c.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}, &sent
}

// smallDialer connects with a small receive buffer, so that the buffers of the kernel are soon full.
var smallDialer = &net.Dialer{Timeout: program.Patience, Control: func(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10) })
	return errors.Join(err, failed)
}}

// TestSlowReaders opens sessions of clients that read nothing while their broker sends without end.
func TestSlowReaders(t *testing.T) {
	n := scale(100, 500)
	s, honest := newSite(t), ports.Reserve(t).String()
	serve, sent := flood()
	s.start(fmt.Sprintf(`mqtt_preread on; proxy_buffer_size %d;
server { listen $ADDR backlog=8192 sndbuf=16k; proxy_pass %s; }
server { listen %s; proxy_pass %s; }`, proxyBuffer, localBroker(t, serve).Addr(), honest, threeBrokers(t)[0]))
	f := startFleet(t, honest, names("meter", 50))
	f.round()
	before := s.usage()
	for range n {
		c, err := smallDialer.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write(peers.Connect{Level: 4, ClientID: "slow"}.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	awaitFull(t, sent)
	each := (s.Memory(t) - before.memory) / n
	f.round()
	figure(t, "slow readers", "%d sessions, %d bytes each", n, each)
	if each > proxyBuffer+overhead {
		t.Errorf("a session takes %d bytes, want at most %d", each, proxyBuffer+overhead)
	}
	f.halt()
}

// TestDescriptorsRunOut connects more clients than weir has descriptors for. Those beyond the limit wait,
// and are served when others have left. None is refused.
func TestDescriptorsRunOut(t *testing.T) {
	const limit, served, waiting = 256, 60, 150
	s := newSite(t)
	s.start("mqtt_preread on; proxy_timeout 10m;\nserver { listen $ADDR backlog=4096; proxy_pass " + threeBrokers(t)[0] + "; }")
	s.replace("nginx.conf", fmt.Sprintf("worker_rlimit_nofile %d;\n%s", limit, s.Read(t, "nginx.conf")))
	s.reload()
	f := startFleet(t, s.addr, names("meter", served))
	f.round()
	var ended sync.WaitGroup
	leave := make(chan struct{})
	var connected atomic.Int64
	for i := range waiting {
		ended.Go(func() {
			c, err := connect(s.addr, fmt.Sprintf("waiting-%d", i), "", program.Patience)
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			connected.Add(1)
			<-leave
			if err := c.leave(); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	program.Await(t, "the message", func() bool { return s.lines("[crit]")+s.lines("[alert]") > 0 })
	f.round()
	early := connected.Load()
	close(leave)
	ended.Wait()
	f.round()
	figure(t, "descriptors", "%d of %d: %d of %d clients waited, %d lines at the levels crit and alert", s.Descriptors(t), limit,
		waiting-early, waiting, s.lines("[crit]")+s.lines("[alert]"))
	if early == waiting {
		t.Error("no client waited")
	}
	f.halt()
	s.Quit(t)
}
