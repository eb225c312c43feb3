package drivertest

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

var connectTests = []driverTest{
	{"refused, next server", refusedThenNext},
	{"no server left", noServer},
	{"connect timeout", connectTimeout},
	{"connect timeout that has expired", connectExpired},
	{"local address", localAddress},
	{"local address of another host", nonLocalAddress},
	{"addresses", addresses},
	{"socket options", socketOptions},
	{"no such unix socket", missingSocket},
}

// closedPort returns an address without a listening socket. A socket is bound to it, so that no other
// program can listen there.
func closedPort(r *rig) stream.Addr {
	r.Helper()
	fd, addr := boundSocket(r)
	r.Cleanup(func() { closeFD(fd) })
	return addr
}

// boundSocket returns a socket with an address.
func boundSocket(r *rig) (int, stream.Addr) {
	r.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(r, err)
	must(r, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	must(r, err)
	return fd, Loopback(uint16(name.(*syscall.SockaddrInet4).Port))
}

func refusedThenNext(r *rig) {
	l := r.socket("tcp")
	p := &proxyFrontend{r.listenOn("tcp", r.server(&Proxy{
		To: []stream.Addr{closedPort(r), closedPort(r), addrOf(l.Addr())}, Spec: spec(), Prefix: []byte("hello"), OnEvent: r.recordEvent,
	})), l}
	client, server := p.pair()
	expect(r, server, "hello")
	send(r, client, "ping")
	expect(r, server, "ping")
	client.Close()
	o := r.outcome()
	if n := o.count(stream.Failed); n != 2 || o.status != stream.StatusOK || o.toUpstream != 9 {
		r.Errorf("got %d failures, status %d, %d bytes; want 2, 200, 9", n, o.status, o.toUpstream)
	}
	ev := o.failure()
	if ev.Side != stream.UpstreamSide || ev.Op != stream.OpConnect || !errors.Is(ev.Err, syscall.ECONNREFUSED) {
		r.Errorf("got side %d, %v, %v; want the upstream's, connect(), ECONNREFUSED", ev.Side, ev.Op, ev.Err)
	}
}

func noServer(r *rig) {
	p := r.proxied(&Proxy{To: []stream.Addr{closedPort(r)}, Spec: spec()})
	must(r, expectEnd(p.dial()))
	if o := r.outcome(); o.status != stream.StatusBadGateway {
		r.Errorf("got %d, want 502", o.status)
	}
}

// connectTimeout connects to a socket with a full backlog, so that the system does not answer.
func connectTimeout(r *rig) {
	fd, addr := fullBacklog(r)
	defer syscall.Close(fd)
	p := r.proxied(&Proxy{To: []stream.Addr{addr}, ConnectTimeout: 150 * time.Millisecond, Spec: spec()})
	start := time.Now()
	must(r, expectEnd(p.dial()))
	if took := time.Since(start); took < 140*time.Millisecond {
		r.Errorf("ended after %v", took)
	}
	if o := r.outcome(); o.count(stream.TimedOut) != 1 || o.status != stream.StatusBadGateway {
		r.Errorf("got %d timeouts, status %d; want 1, 502", o.count(stream.TimedOut), o.status)
	}
}

// connectExpired connects with an expired deadline, which no TCP connection can meet.
func connectExpired(r *rig) {
	p := r.proxied(&Proxy{ConnectTimeout: -1, Spec: spec()})
	must(r, expectEnd(p.dial()))
	if o := r.outcome(); o.count(stream.TimedOut) != 1 || o.status != stream.StatusBadGateway {
		r.Errorf("got %d timeouts, status %d; want 1, 502", o.count(stream.TimedOut), o.status)
	}
}

// fullBacklog returns a listening socket on which connections hang.
func fullBacklog(r *rig) (int, stream.Addr) {
	r.Helper()
	fd, addr := boundSocket(r)
	must(r, syscall.Listen(fd, 0))
	for !hangs(r, addr) {
	}
	return fd, addr
}

// hangs connects to addr, and reports whether the system does not answer. The connection stays open if
// it does.
func hangs(r *rig, addr stream.Addr) bool {
	r.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(r, err)
	must(r, syscall.SetNonblock(fd, true))
	err = syscall.Connect(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(addr.IP.Port())})
	if err != nil && err != syscall.EINPROGRESS {
		r.Fatal(err)
	}
	for end := time.Now().Add(200 * time.Millisecond); ; time.Sleep(time.Millisecond) {
		late := time.Now().After(end) // the state counts, even if this goroutine was not woken in time
		if _, err := syscall.Getpeername(fd); err == nil {
			r.Cleanup(func() { closeFD(fd) })
			return false
		}
		if late {
			closeFD(fd)
			return true
		}
	}
}

func localAddress(r *rig) {
	local := stream.Addr{IP: netip.MustParseAddrPort("127.0.0.2:0")}
	client, server := r.proxied(&Proxy{Spec: spec(), Target: stream.Target{Local: local}}).pair()
	if got := server.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.2" {
		r.Errorf("the server sees %s, want 127.0.0.2", got)
	}
	client.Close()
}

func nonLocalAddress(r *rig) {
	local := stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:0")}
	p := r.proxied(&Proxy{Spec: spec(), Target: stream.Target{Local: local}})
	must(r, expectEnd(p.dial()))
	o := r.outcome()
	if ev := o.failure(); ev.Op != stream.OpBind || !errors.Is(ev.Err, syscall.EADDRNOTAVAIL) || o.status != stream.StatusInternal {
		r.Errorf("got %v, %v, status %d; want bind(), EADDRNOTAVAIL, 500", ev.Op, ev.Err, o.status)
	}
}

func addresses(r *rig) {
	proxy := &Proxy{Spec: spec()}
	peers := make(chan stream.Client, 1)
	proxy.OnEvent = func(s *stream.Session, ev stream.Event) {
		if ev.Kind == stream.Connected {
			peers <- s.Client
		}
	}
	p := r.proxied(proxy)
	client, server := p.pair()
	peer := <-peers
	if peer.Addr != addrOf(client.LocalAddr()) || *peer.Local != addrOf(p.addr) {
		r.Errorf("got %v to %v, want %v to %v", peer.Addr, *peer.Local, client.LocalAddr(), p.addr)
	}
	client.Close()
	o := r.outcome()
	if want := addrOf(server.RemoteAddr()); o.events[0].Kind != stream.Connected || o.events[0].Local != want {
		r.Errorf("connected from %v, want %v", o.events[0].Local, want)
	}
}

// socketOptions cannot inspect the driver's sockets, and so checks the effect: a small receive
// buffer stops a server soon.
func socketOptions(r *rig) {
	small := spec()
	small.Download = 1 // nothing is read after the first byte
	p := r.proxied(&Proxy{Spec: small, Target: stream.Target{KeepAlive: true, NoDelay: true, RcvBuf: 4096}})
	_, server := p.pair()
	server.(*net.TCPConn).SetWriteBuffer(4096)
	if sent := writeUntilStuck(r, server); sent > 128<<10 {
		r.Errorf("the server could send %d bytes, with a receive buffer of 4096", sent)
	}
	reset(server)
}

func missingSocket(r *rig) {
	p := r.proxied(&Proxy{To: []stream.Addr{stream.UnixAddr("/nonexistent/s")}, Spec: spec()})
	must(r, expectEnd(p.dial()))
	if ev := r.outcome().failure(); ev.Op != stream.OpConnect || !errors.Is(ev.Err, syscall.ENOENT) {
		r.Errorf("got %v, %v; want connect(), ENOENT", ev.Op, ev.Err)
	}
	if end := r.outcome().end; end != relay.End(0) {
		r.Errorf("got %v, want no end", end)
	}
}
