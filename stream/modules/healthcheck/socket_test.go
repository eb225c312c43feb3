package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/errorlog"
	"weir/internal/mqtt"
	"weir/internal/proxyproto"
	"weir/internal/testwait"
	"weir/internal/tlsconf"
	"weir/stream"
	"weir/stream/upstream"
)

// drivers are the ways in which an exchange runs.
var drivers = map[string]func(t *testing.T, x *exchange){
	"goroutine": func(_ *testing.T, x *exchange) {
		ctx, cancel := context.WithDeadline(context.Background(), x.end)
		defer cancel()
		x.run(ctx)
	},
	"sockets": runOnSockets,
}

// runOnSockets runs an exchange as a Checker does, except that it looks at the sockets more often.
func runOnSockets(t *testing.T, x *exchange) {
	t.Helper()
	s := newSockets(nil)
	if s == nil {
		t.Skip("no non-blocking sockets on this system")
	}
	defer s.close()
	if s.start(x) {
		return
	}
	hasEnded := false
	testwait.Within(time.Until(x.end), func() bool {
		s.poll(func(*exchange) { hasEnded = true })
		return hasEnded
	})
	if !hasEnded {
		s.expire(x)
	}
}

// eachDriver runs a check of the server at an address with each driver, and compares the outcome.
func eachDriver(t *testing.T, c Check, to stream.Addr, want string) {
	t.Helper()
	for name, run := range drivers {
		if c.TLS != nil && name == "sockets" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			x := newExchange(&c, to)
			run(t, x)
			if got := describe(x.outcome); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func newExchange(c *Check, to stream.Addr) *exchange {
	if c.Timeout == 0 {
		c.Timeout = testwait.Patience
	}
	if c.BufferSize == 0 {
		c.BufferSize = 16 << 10
	}
	if c.Probe == nil {
		c.Probe = &Match{}
	}
	g := upstream.NewGroup("brokers", []*upstream.PeerConf{{Server: to.String(), Name: to.String(), Addr: to, Weight: 1}}, upstream.RoundRobin)
	p := g.Peers()[0]
	return &exchange{target: &target{check: c, peer: p}, check: c, peer: p, addr: c.addr(p), end: time.Now().Add(c.Timeout)}
}

// describe returns an outcome as it is logged.
func describe(o outcome) string {
	verdict := [...]string{"pending", "passed", "failed", "drain", "skipped"}[o.verdict]
	if o.message == "" {
		return verdict + " while " + o.during
	}
	return fmt.Sprintf("%s [%v] %s%s while %s", verdict, o.level, o.message, errorlog.Errno(o.err), o.during)
}

// A server answers each connection with a function, until the test ends.
func newServer(t *testing.T, network, address string, answer func(net.Conn)) stream.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); l.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				answer(conn)
			})
		}
	})
	if network == "unix" {
		return stream.UnixAddr(address)
	}
	return stream.Addr{IP: netip.MustParseAddrPort(l.Addr().String())}
}

// hold keeps a connection open until the other side closes it.
func hold(conn net.Conn) { io.Copy(io.Discard, conn) }

// say sends the pieces one by one, with a pause between them that lets each arrive alone, and holds
// the connection.
func say(pieces ...string) func(net.Conn) {
	return func(conn net.Conn) {
		for _, p := range pieces {
			io.WriteString(conn, p)
			conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			conn.Read(make([]byte, 1))
		}
		conn.SetReadDeadline(time.Time{})
		hold(conn)
	}
}

// require answers a request, and closes the connection if it gets another one.
func require(request, response string) func(net.Conn) {
	return func(conn net.Conn) {
		b := make([]byte, len(request))
		if _, err := io.ReadFull(conn, b); err != nil || string(b) != request {
			return
		}
		io.WriteString(conn, response)
		hold(conn)
	}
}

// deadAddr returns an address at which nothing listens.
func deadAddr(t *testing.T) stream.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return stream.Addr{IP: netip.MustParseAddrPort(l.Addr().String())}
}

const soon = 100 * time.Millisecond // the timeout of checks that are to time out

func TestConnections(t *testing.T) {
	tcp := func(answer func(net.Conn)) stream.Addr { return newServer(t, "tcp", "127.0.0.1:0", answer) }
	hello := &Match{Send: []byte("ping\n"), Expect: []byte("pong")}
	for _, tt := range []struct {
		name string
		c    Check
		to   stream.Addr
		want string
	}{
		{"connected", Check{}, tcp(hold), "passed while checking connection"},
		{"refused", Check{}, deadAddr(t), "failed [error] connect() failed (111: Connection refused) while connecting to upstream"},
		{"send and expect", Check{Probe: hello}, tcp(require("ping\n", "pong, and more")), "passed while checking response"},
		{"send without expect", Check{Probe: &Match{Send: []byte("x")}}, tcp(hold), "passed while checking connection"},
		{"in pieces", Check{Probe: hello}, tcp(say("p", "o", "n", "g")), "passed while checking response"},
		{"other", Check{Probe: hello}, tcp(say("no")), "failed [error] response does not match while checking response"},
		{"regex in pieces", Check{Probe: &Match{Regex: compile(t, "b.*d", false)}}, tcp(say("ab", "c", "de")), "passed while checking response"},
		{
			"silent", Check{Probe: hello, Timeout: soon}, tcp(hold),
			"failed [error] upstream timed out (110: Connection timed out) while reading from upstream",
		},
		{
			"closes", Check{Probe: hello}, tcp(closeAfter("ping\n")), "failed [error] upstream prematurely closed connection while reading from upstream",
		},
		{
			"beyond the buffer", Check{Probe: &Match{Regex: compile(t, "needle", false)}, BufferSize: 100}, tcp(say(strings.Repeat("x", 100) + "needle")),
			"failed [error] response does not match while checking response",
		},
		{
			"never ends", Check{Probe: &Match{Regex: compile(t, "needle", false)}}, tcp(flood),
			"failed [error] response does not match while checking response",
		},
	} {
		t.Run(tt.name, func(t *testing.T) { eachDriver(t, tt.c, tt.to, tt.want) })
	}
}

// closeAfter closes a connection after a request.
func closeAfter(request string) func(net.Conn) {
	return func(conn net.Conn) { io.ReadFull(conn, make([]byte, len(request))) }
}

// flood sends without end.
func flood(conn net.Conn) {
	b := []byte(strings.Repeat("hay", 10_000))
	for {
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

// TestPort checks another port than that of the server.
func TestPort(t *testing.T) {
	to := newServer(t, "tcp", "127.0.0.1:0", hold)
	eachDriver(t, Check{Port: to.IP.Port()}, stream.Addr{IP: netip.AddrPortFrom(to.IP.Addr(), 1)}, "passed while checking connection")
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	to := newServer(t, "unix", path, require("PROXY UNKNOWN\r\nhi", "ho"))
	c := Check{Probe: &Match{Send: []byte("hi"), Expect: []byte("ho")}, Protocol: V1, Port: 7}
	eachDriver(t, c, to, "passed while checking response")
	eachDriver(t, Check{}, to, "passed while checking connection")

	local := string(proxyproto.AppendV2(nil, netip.AddrPort{}, netip.AddrPort{}, nil)) + "hi"
	to = newServer(t, "unix", path+"2", require(local, "ho"))
	c.Protocol = V2
	eachDriver(t, c, to, "passed while checking response")
}

// TestHeaders checks the PROXY headers of checks.
func TestHeaders(t *testing.T) {
	match := &Match{Send: []byte("hi"), Expect: []byte("ho")}
	bound := stream.Target{Local: stream.Addr{IP: netip.MustParseAddrPort("127.0.0.9:0")}}
	to := newServer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		client := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		local := conn.LocalAddr().(*net.TCPAddr).AddrPort()
		require(string(proxyproto.AppendV2(nil, client, local, nil))+"hi", "ho")(conn)
	})
	eachDriver(t, Check{Probe: match, Protocol: V2, Target: bound}, to, "passed while checking response")

	to = newServer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		client, local := conn.RemoteAddr().(*net.TCPAddr), conn.LocalAddr().(*net.TCPAddr)
		require(fmt.Sprintf("PROXY TCP4 127.0.0.9 127.0.0.1 %d %d\r\nhi", client.Port, local.Port), "ho")(conn)
	})
	eachDriver(t, Check{Probe: match, Protocol: V1, Target: bound}, to, "passed while checking response")
}

// TestBind checks that a local address that this machine does not have is not a failure of the
// server.
func TestBind(t *testing.T) {
	to := newServer(t, "tcp", "127.0.0.1:0", hold)
	foreign := stream.Target{Local: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:0")}}
	for name, run := range drivers {
		x := newExchange(&Check{Target: foreign}, to)
		run(t, x)
		if x.outcome.verdict != Skipped || !errors.Is(x.outcome.err, syscall.EADDRNOTAVAIL) {
			t.Errorf("%s: got %s", name, describe(x.outcome))
		}
	}
}

// TestDatagrams checks servers of datagrams: one that answers, one that does not, and none.
func TestDatagrams(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if string(b[:n]) == "ping" {
				conn.WriteTo([]byte("pong"), from)
			}
		}
	}()
	to := stream.Addr{IP: netip.MustParseAddrPort(conn.LocalAddr().String()), UDP: true}
	dead := deadAddr(t)
	asks := &DatagramMatch{Match{Send: []byte("ping"), Expect: []byte("po")}}
	for _, tt := range []struct {
		name string
		c    Check
		to   stream.Addr
		want string
	}{
		{"no answer is needed", Check{Probe: &DatagramMatch{}, Timeout: soon}, to, "passed while checking connection"},
		{"answered", Check{Probe: asks}, to, "passed while checking response"},
		{"answered, nothing is expected", Check{Probe: &DatagramMatch{Match{Send: []byte("ping")}}}, to, "passed while checking response"},
		{
			"no answer", Check{Probe: &DatagramMatch{Match{Expect: []byte("po")}}, Timeout: soon}, to,
			"failed [error] upstream timed out (110: Connection timed out) while reading from upstream",
		},
		{
			"nothing listens", Check{Probe: &DatagramMatch{}}, dead,
			"failed [error] recv() failed (111: Connection refused) while reading from upstream",
		},
	} {
		tt.c.UDP = true
		t.Run(tt.name, func(t *testing.T) { eachDriver(t, tt.c, tt.to, tt.want) })
	}
}

// TestFarewell checks that a broker receives CONNECT and, once it has accepted, DISCONNECT.
func TestFarewell(t *testing.T) {
	probe := &MQTT{Login: mqtt.Login{ClientID: "c"}}
	connect := string(probe.Request(stream.Addr{}))
	got := make(chan string, 1)
	to := newServer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		io.ReadFull(conn, make([]byte, len(connect)))
		io.WriteString(conn, "\x20\x02\x00\x00")
		rest, _ := io.ReadAll(conn)
		got <- string(rest)
	})
	for name, run := range drivers {
		x := newExchange(&Check{Probe: probe}, to)
		run(t, x)
		if rest := <-got; x.outcome.verdict != Passed || rest != "\xe0\x00" {
			t.Errorf("%s: %s, then the broker received %q", name, describe(x.outcome), rest)
		}
	}
}

// TestTLS checks a server of HTTP with TLS, and servers without it.
func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" || r.TLS.ServerName != "broker.example" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(web.Close)
	to := stream.Addr{IP: netip.MustParseAddrPort(web.Listener.Addr().String())}
	c := Check{
		Probe: &HTTP{URI: "/health", Statuses: []StatusRange{{200, 200}}, Drains: true},
		TLS:   &TLS{Client: tlsClient(t), Connection: tlsconf.Connection{ServerName: "broker.example"}},
	}
	eachDriver(t, c, to, "passed while checking response")
	other := c
	other.TLS = &TLS{Client: c.TLS.Client, Reuse: true}
	eachDriver(t, other, to, "drain while checking response")

	silent := c
	silent.Timeout = soon
	eachDriver(t, silent, newServer(t, "tcp", "127.0.0.1:0", hold),
		"failed [error] upstream timed out (110: Connection timed out) while SSL handshaking to upstream")
	closing := newServer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { conn.Read(make([]byte, 16<<10)) })
	eachDriver(t, c, closing, "failed [error] peer closed connection in SSL handshake while SSL handshaking to upstream")
}

func tlsClient(t *testing.T) *tlsconf.Client {
	t.Helper()
	client, _, err := tlsconf.NewClient(tlsconf.Settings{
		Protocols: tlsconf.DefaultProtocols, Ciphers: "DEFAULT", Groups: tlsconf.AutoGroups,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestRun runs a Checker: a server that joins is checked at once, and nothing is left at the end.
func TestRun(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	var answered atomic.Int64
	to := newServer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { answered.Add(1); hold(conn) })
	silent := newServer(t, "tcp", "127.0.0.1:0", hold)
	for _, tls := range []*TLS{nil, {Client: tlsClient(t)}} {
		g := upstream.NewZoneGroup("brokers", upstream.Zone{Name: "z"}, nil, upstream.RoundRobin, nil, upstream.Resolving{})
		c := &Check{
			Group: g, Results: g.NewCheck(true, false), Interval: time.Hour, Fails: 1, Passes: 1, Timeout: time.Hour, BufferSize: 100,
			Probe: &Match{Expect: []byte("x")}, TLS: tls,
		}
		checker := &Checker{Checks: []*Check{c}}
		if err := checker.Open(t.Context(), &stream.Env{}, nil); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); checker.Run(ctx) }()
		before := answered.Load()
		for _, a := range []stream.Addr{to, silent} {
			if _, err := g.Add(upstream.Change{Server: &upstream.Target{Text: a.String(), Addr: a}}); err != nil {
				t.Fatal(err)
			}
		}
		testwait.Eventually(t, "the server to be checked", func() bool { return answered.Load() > before })
		stop()
		<-ended
	}
}
