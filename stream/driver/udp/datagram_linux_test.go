package udp_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/udp"
)

// TestManyClients sends datagrams of random sizes from many clients; each client receives its own,
// complete and in order.
func TestManyClients(t *testing.T) {
	tests := []struct{ network, address, host, local string }{
		{"udp4", "127.0.0.1:0", "", ""},
		{"udp4", "0.0.0.0:0", "127.0.0.3", "127.0.0.3"},
		{"udp6", "[::1]:0", "", ""},
		{"udp6", "[::]:0", "::1", "[::1]"},
	}
	const clients, rounds = 40, 25
	for _, tt := range tests {
		t.Run(tt.network+" "+tt.address, func(t *testing.T) {
			spec := plain()
			spec.BufferSize = 1 << 16
			r := newRig(t, tt.network, tt.address, spec, udp.Options{Loops: 2})
			r.echo()
			var all sync.WaitGroup
			var large sync.Mutex
			for i := range clients {
				c := r.client(tt.host)
				all.Go(func() { c.converse(uint64(i), rounds, &large) })
			}
			all.Wait()
			r.driver.Abort(allSessions, stream.Pace{})
			var sum outcome
			for range clients {
				o := r.outcome()
				if o.end != relay.Aborted || o.packets != (relay.Packets{Requests: rounds, Responses: rounds}) {
					t.Fatalf("got %+v", o)
				}
				if !strings.HasPrefix(o.local, tt.local) {
					t.Errorf("got local address %s, want %s", o.local, tt.local)
				}
				sum.fromClient += o.fromClient
				sum.toClient += o.toClient
			}
			if sum.fromClient != sum.toClient {
				t.Errorf("got %d bytes from clients, %d to them", sum.fromClient, sum.toClient)
			}
		})
	}
}

func allSessions(*stream.Session) bool { return true }

// converse sends datagrams one after the other and expects each back. It locks large while a large
// datagram is in transit: of many large ones at a time the system drops some, because a socket has
// no room for them.
func (c *client) converse(seed uint64, rounds int, large *sync.Mutex) {
	const small = 1024
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		want := make([]byte, rnd.IntN(1<<rnd.IntN(16)))
		for i := range want {
			want[i] = byte(rnd.Uint32())
		}
		if len(want) > small {
			large.Lock()
		}
		ok := c.echoes(want)
		if len(want) > small {
			large.Unlock()
		}
		if !ok {
			return
		}
	}
}

// echoes sends data and reports whether it returns.
func (c *client) echoes(data []byte) bool {
	if _, err := c.Write(data); err != nil {
		c.Error(err)
		return false
	}
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	if err != nil || !bytes.Equal(b[:n], data) {
		c.Errorf("%v: got %d bytes of %d, %v", c.LocalAddr(), n, len(data), err)
		return false
	}
	return true
}

// TestSizes tests that datagrams stay whole, including empty ones. A datagram longer than the
// buffer is cut, except for the first one of a client.
func TestSizes(t *testing.T) {
	spec := plain()
	spec.BufferSize = 10
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.say("0123456789abc")
	from := r.get(server, "0123456789abc")
	c.say("0123456789abc")
	r.get(server, "0123456789")
	c.say("")
	r.get(server, "")
	r.answer(server, from, "ABCDEFGHIJKL")
	r.answer(server, from, "")
	r.answer(server, from, "M")
	c.hear("ABCDEFGHIJ", "", "M")
	r.driver.Abort(allSessions, stream.Pace{})
	want := outcome{end: relay.Aborted, packets: relay.Packets{Requests: 3, Responses: 3}, fromClient: 23, toUpstream: 23, fromUpstream: 11, toClient: 11}
	if o := r.outcome(); o.end != want.end || o.packets != want.packets || o.fromClient != want.fromClient ||
		o.toUpstream != want.toUpstream || o.fromUpstream != want.fromUpstream || o.toClient != want.toClient {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

// TestRequests tests that proxy_requests removes a session from the table without ending it.
func TestRequests(t *testing.T) {
	spec := plain()
	spec.Requests = 2
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	for _, text := range []string{"1", "2", "3"} {
		c.say(text)
	}
	first := r.get(server, "1")
	if again := r.get(server, "2"); again.String() != first.String() {
		t.Errorf("the second datagram came from %s, want %s", again, first)
	}
	third := r.get(server, "3")
	if third.String() == first.String() {
		t.Error("the third datagram belongs to the first session")
	}
	r.answer(server, third, "c")
	c.hear("c")
	r.answer(server, first, "a")
	r.answer(server, first, "b")
	c.hear("a", "b")
}

// TestResponses tests that proxy_responses ends a session when all answers have arrived.
func TestResponses(t *testing.T) {
	tests := []struct {
		name                string
		requests, responses int
		says                []string
		answers             int
		want                relay.Packets
	}{
		{"none", 0, 0, []string{"a"}, 0, relay.Packets{Requests: 1}},
		{"one", 0, 1, []string{"a"}, 1, relay.Packets{Requests: 1, Responses: 1}},
		{"three", 0, 3, []string{"a"}, 3, relay.Packets{Requests: 1, Responses: 3}},
		{"one for each of two", 2, 1, []string{"a", "b"}, 2, relay.Packets{Requests: 2, Responses: 2}},
		{"none for each of two", 2, 0, []string{"a", "b"}, 0, relay.Packets{Requests: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := plain()
			spec.Requests, spec.Responses = tt.requests, tt.responses
			r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
			server := r.upstream("udp4")
			c := r.client("")
			var from net.Addr
			for _, text := range tt.says {
				c.say(text)
				from = r.get(server, text)
			}
			for i := range tt.answers {
				r.answer(server, from, fmt.Sprint(i))
				c.hear(fmt.Sprint(i))
			}
			if o := r.outcome(); o.end != relay.Done || o.packets != tt.want {
				t.Errorf("got %v, %+v, want done, %+v", o.end, o.packets, tt.want)
			}
			c.say("again") // its own session
			r.get(server, "again")
		})
	}
}

func TestTimeout(t *testing.T) {
	spec := plain()
	spec.Responses, spec.Timeout = 1, 100*time.Millisecond
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	r.upstream("udp4")
	start := time.Now()
	r.client("").say("a")
	if o := r.outcome(); o.end != relay.Timeout || o.packets != (relay.Packets{Requests: 1}) {
		t.Errorf("got %+v", o)
	}
	if took := time.Since(start); took < 90*time.Millisecond {
		t.Errorf("timed out after %v", took)
	}
}

// TestTimeoutOfOneThatTakesNothing tests that a server or a client that accepts nothing for
// proxy_timeout ends the session, although datagrams wait for it.
func TestTimeoutOfOneThatTakesNothing(t *testing.T) {
	spec := plain()
	spec.BufferSize, spec.Timeout = 1<<20, 300*time.Millisecond
	t.Run("server", func(t *testing.T) {
		r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
		r.upstream("unixgram")
		c := r.client("")
		r.fill(func() { c.say("a") })
		if o := r.outcome(); o.end != relay.Timeout {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("client", func(t *testing.T) {
		r := newRig(t, "unixgram", "s", spec, udp.Options{})
		server := r.upstream("udp4")
		c := r.client("")
		c.say("a")
		from := r.get(server, "a")
		r.fill(func() { r.answer(server, from, "b") })
		if o := r.outcome(); o.end != relay.Timeout {
			t.Errorf("got %+v", o)
		}
	})
}

// fill sends more datagrams than fit into a socket, and each after the driver has received the one
// before, or until the session ends.
func (r *rig) fill(send func()) {
	r.Helper()
	for range 1000 {
		send()
		for done := r.duringAbort(func(*stream.Session) {}); !closed(done); time.Sleep(10 * time.Microsecond) {
			if len(r.ended) > 0 {
				return
			}
		}
	}
}

func closed(c <-chan bool) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestRefused tests that a refused datagram counts as an answer, sends nothing, and is reported to
// the session as an error.
func TestRefused(t *testing.T) {
	spec := plain()
	spec.Responses = 1
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	r.upstream("udp4").Close()
	c := r.client("")
	c.say("a")
	o := r.outcome()
	c.silent()
	if o.end != relay.Done || o.packets.Responses != 1 || len(o.failures) != 1 {
		t.Fatalf("got %+v", o)
	}
	if f := o.failures[0]; f.Side != stream.UpstreamSide || f.Op != stream.OpRecv || !errors.Is(f.Err, unix.ECONNREFUSED) {
		t.Errorf("got failure %+v", f)
	}
}

// TestTooLong tests that a datagram that cannot be sent ends the session.
func TestTooLong(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	r.upstream("udp4")
	r.proxy.Prefix = bytes.Repeat([]byte("x"), 1000)
	r.client("").say(strings.Repeat("y", 65000))
	o := r.outcome()
	if o.end != relay.UpstreamError || len(o.failures) != 1 || o.failures[0].Op != stream.OpSendMsg {
		t.Errorf("got %+v", o)
	}
}

// TestRetry tests that after a server that cannot be connected to, the next one gets the first
// datagram.
func TestRetry(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	r.proxy.To = append([]stream.Addr{stream.UnixAddr("/nonexistent/socket")}, r.proxy.To...)
	c := r.client("")
	c.say("a")
	r.get(server, "a")
}

// TestLocalAddresses tests that on a wildcard the destination address distinguishes sessions, and
// that answers are sent from it.
func TestLocalAddresses(t *testing.T) {
	r := newRig(t, "udp4", "0.0.0.0:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	r.start()
	conn := r.socket("udp4", "127.0.0.1:0")
	port := r.addr.(*net.UDPAddr).Port
	from := map[string]net.Addr{}
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		conn.WriteTo([]byte(host), &net.UDPAddr{IP: net.ParseIP(host), Port: port})
		from[host] = r.get(server, host)
	}
	for _, host := range []string{"127.0.0.2", "127.0.0.1"} {
		r.answer(server, from[host], host)
		if got := r.get(conn, host).(*net.UDPAddr); !got.IP.Equal(net.ParseIP(host)) {
			t.Errorf("the answer came from %s, want %s", got.IP, host)
		}
	}
}

// TestUnix tests datagrams over unix sockets. A client without an address has a session for each
// datagram.
func TestUnix(t *testing.T) {
	spec := plain()
	spec.Responses = 1
	r := newRig(t, "unixgram", "s", spec, udp.Options{})
	r.echo()
	c := r.client("")
	c.say("a")
	c.hear("a")
	if o := r.outcome(); o.end != relay.Done {
		t.Errorf("got %+v", o)
	}
	nameless, err := net.DialUnix("unixgram", nil, r.addr.(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer nameless.Close()
	for range 2 {
		nameless.Write([]byte("b"))
		if o := r.outcome(); o.end != relay.ClientError {
			t.Errorf("got %+v, want a client that can not be answered", o)
		}
	}
}

// TestQueue tests that while a server accepts nothing, datagrams for it wait up to the size of the
// buffer, and more are lost.
func TestQueue(t *testing.T) {
	spec := plain()
	spec.BufferSize, spec.Timeout = 1000, 0
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("unixgram")
	c := r.client("")
	const sent, size = 1500, 100
	for i := range sent {
		c.say(fmt.Sprintf("%0*d", size, i))
		r.settle()
	}
	var kept int
	<-r.duringAbort(func(s *stream.Session) { kept = int(s.Traffic.FromClient.Load()) / size })
	for i := range kept {
		r.get(server, fmt.Sprintf("%0*d", size, i))
	}
	if kept <= spec.BufferSize/size || kept > sent/2 {
		t.Errorf("%d of %d datagrams were kept for a server that read none", kept, sent)
	}
	c.say("last")
	r.get(server, "last")
}

// TestSlowClient tests that datagrams that a client does not accept wait in the driver and in the
// server's socket, and that none is lost.
func TestSlowClient(t *testing.T) {
	r := newRig(t, "unixgram", "s", plain(), udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.say("a")
	from := r.get(server, "a")
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		r.answer(server, from, want[i])
	}
	r.settle()
	c.hear(want...)
}

// TestRates tests that datagrams from a client above its rate are lost, and that those from a
// server wait.
func TestRates(t *testing.T) {
	spec := plain()
	spec.Upload = 1
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.say("0123456789abcdef")
	r.get(server, "0123456789abcdef")
	c.say("lost")
	spec = plain()
	spec.Download, spec.Responses, spec.Timeout = 20, 3, 900*time.Millisecond
	other := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	slow := other.upstream("udp4")
	d := other.client("")
	d.say("a")
	from := other.get(slow, "a")
	start := time.Now()
	for range 3 {
		other.answer(slow, from, "0123456789abcdefghij")
	}
	d.hear("0123456789abcdefghij", "0123456789abcdefghij", "0123456789abcdefghij")
	if took := time.Since(start); took < 1900*time.Millisecond {
		t.Errorf("60 bytes at 20 a second took %v", took)
	}
	if o := other.outcome(); o.end != relay.Done {
		t.Errorf("got %+v: proxy_timeout passes in a pause", o)
	}
	r.settle()
	if data, ok := arrived(t, server.(syscall.Conn)); ok {
		t.Errorf("got %q, which the rate did not allow", data)
	}
}

// TestCurrent tests that a client of an older generation begins a new session with its next
// datagram, and still receives the pending datagrams of its old session first.
func TestCurrent(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.say("a")
	first := r.get(server, "a")
	old := r.listen.Config
	r.change(func() {
		next := *r.listen
		next.Config = stream.NewConfig()
		r.listen = &next
		r.port.Current = func(c *stream.Config) bool { return c != old }
	})
	r.answer(server, first, "b")
	c.hear("b")
	c.say("c")
	second := r.get(server, "c")
	if second.String() == first.String() {
		t.Error("the datagram went to the old session")
	}
	if o := r.outcome(); o.end != relay.Shutdown {
		t.Errorf("got %+v, want a shutdown", o)
	}
	r.answer(server, second, "d")
	c.hear("d")
}

// change changes state that the loops read, while they wait.
func (r *rig) change(f func()) {
	r.Helper()
	select {
	case <-r.duringAbort(func(*stream.Session) { f() }):
	case <-time.After(patience):
		r.Fatal("no session")
	}
}

// duringAbort calls f with a session while its loop waits, and then closes done, provided that there is
// a session.
func (r *rig) duringAbort(f func(*stream.Session)) (done <-chan bool) {
	var once sync.Once
	called := make(chan bool)
	r.driver.Abort(func(s *stream.Session) bool { once.Do(func() { f(s); close(called) }); return false }, stream.Pace{})
	return called
}

// settle waits until everything sent so far has been received: a loop handles aborts after its
// events.
func (r *rig) settle() {
	r.Helper()
	r.change(func() {})
}

// TestForget tests that the sessions of a forgotten listener cannot answer, and end when they try
// to. The address can be listened on again.
func TestForget(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	c := r.client("")
	c.say("a")
	from := r.get(server, "a")
	r.driver.Forget(r.port)
	r.driver.Forget(r.port)
	r.answer(server, from, "b")
	if o := r.outcome(); o.end != relay.Shutdown || o.toClient != 0 {
		t.Errorf("got %+v, want a shutdown", o)
	}
	c.say("c")
	if err := r.driver.Listen(r.port); err != nil {
		t.Fatal(err)
	}
	r.get(server, "c")
}

func TestAbort(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	for i := range 3 {
		text := fmt.Sprint(i)
		r.client("").say(text)
		r.get(server, text)
	}
	port := ""
	r.driver.Abort(func(s *stream.Session) bool {
		if port == "" {
			port = s.Client.Addr.Port()
		}
		return s.Client.Addr.Port() == port
	}, stream.Pace{})
	if o := r.outcome(); o.end != relay.Aborted || o.packets.Requests != 1 {
		t.Errorf("got %+v", o)
	}
	r.driver.Abort(func(*stream.Session) bool { return true }, stream.Pace{PerSecond: 100})
	r.outcome()
	r.outcome()
}

func TestClose(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Loops: 2})
	server := r.upstream("udp4")
	r.client("").say("a")
	r.get(server, "a")
	for range 2 {
		if err := r.driver.Close(); err != nil {
			t.Error(err)
		}
	}
	r.driver.Forget(r.port)
	r.driver.Abort(allSessions, stream.Pace{})
	if err := r.driver.Listen(r.port); err == nil {
		t.Error("a closed driver listens")
	}
	if len(r.ended) != 0 {
		t.Errorf("a cut session has ended in order: %+v", r.outcome())
	}
}

// TestConnections tests that worker_connections limits the sessions; a datagram beyond the limit is
// lost and logged.
func TestConnections(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Connections: 4})
	server := r.upstream("udp4")
	for _, text := range []string{"a", "b"} {
		r.client("").say(text)
		r.get(server, text)
	}
	r.client("").say("c")
	for end := time.Now().Add(patience); len(r.alerts()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was said")
		}
	}
	if got := r.alerts()[0]; got != "[alert] 4 worker_connections are not enough" {
		t.Errorf("got %s", got)
	}
}

// TestDescriptorsInReserve has more clients than there are descriptors.
func TestDescriptorsInReserve(t *testing.T) {
	const limit, others = 40, 5
	const served = limit - limit/8 - others
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	r.env.Descriptors = stream.NewDescriptors(func() (int, int) { return limit, others })
	server := r.upstream("udp4")
	for i := range served {
		r.client("").say(fmt.Sprint(i))
		r.get(server, fmt.Sprint(i))
	}
	r.client("").say("one more")
	const want = "[crit] 35 of 40 descriptors are in use or needed by sessions, datagrams of new clients are dropped"
	for end := time.Now().Add(patience); r.lines.Count(want) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %q, want %s", r.lines.All(), want)
		}
	}
}

func (r *rig) alerts() (list []string) {
	for _, line := range r.lines.All() {
		if strings.HasPrefix(line, "[alert]") {
			list = append(list, line)
		}
	}
	return list
}

// TestOtherContents tests that an address that is no longer served receives datagrams and drops
// them, and that a content can answer without a server.
func TestOtherContents(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	r.server.Content = &drivertest.Reply{Text: []byte("reply")}
	var gone atomic.Bool
	r.port.Admit = func() (*stream.Listen, stream.Lease) {
		if gone.Swap(false) {
			return nil, nil
		}
		return r.listen, nil
	}
	c := r.client("")
	for _, text := range []string{"a", "bb"} {
		c.say(text)
		c.hear("reply")
		if o := r.outcome(); o.toClient != 5 || o.fromClient != int64(len(text)) {
			t.Errorf("got %+v", o)
		}
		gone.Store(true)
		c.say("lost")
	}
}

// TestMuchToSay tests that a server that sends much does not delay the others.
func TestMuchToSay(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	conn := r.upstream("udp4")
	r.serve(conn, func([]byte) (all [][]byte) {
		for i := range 200 {
			all = append(all, fmt.Appendf(nil, "%03d", i))
		}
		return all
	})
	c := r.client("")
	c.say("go")
	for i := range 200 {
		c.hear(fmt.Sprintf("%03d", i))
	}
}
