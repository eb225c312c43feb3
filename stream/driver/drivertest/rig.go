package drivertest

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/offline"
	"weir/stream/status"
)

// An outcome is the record of a finished session.
type outcome struct {
	status                                         stream.Status
	end                                            relay.End
	fromClient, toClient, fromUpstream, toUpstream int64
	events                                         []stream.Event
}

// count returns how many events of that kind there were.
func (o outcome) count(kind stream.EventKind) int {
	n := 0
	for _, ev := range o.events {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

// failure returns the first Failed event.
func (o outcome) failure() stream.Event {
	i := slices.IndexFunc(o.events, func(ev stream.Event) bool { return ev.Kind == stream.Failed })
	if i < 0 {
		return stream.Event{}
	}
	return o.events[i]
}

// A rig is a driver under test with its environment.
type rig struct {
	*testing.T
	env    *stream.Env
	lines  *offline.Lines
	driver stream.Driver
	// maxHeld is how many bytes of a flow the driver may hold even above relay.Spec.BufferSize, if
	// it has a method MaxHeld.
	maxHeld int64

	zone *status.ServerZone // of all servers
	peer *relay.Counters    // of the servers of proxied

	mu     sync.Mutex
	events map[uint64][]stream.Event // of unfinished sessions
	ended  []outcome
}

func newRig(t *testing.T, newDriver func(*stream.Env) stream.Driver) *rig {
	t.Helper()
	checkLeaks(t)
	r := &rig{T: t, events: map[uint64][]stream.Event{}, zone: status.NewServerZone("z"), peer: relay.NewCounters()}
	t.Cleanup(r.checkCounters)
	r.env, r.lines = offline.NewEnv(time.Now)
	r.driver = newDriver(r.env)
	if d, ok := r.driver.(interface{ MaxHeld() int64 }); ok {
		r.maxHeld = d.MaxHeld()
	}
	t.Cleanup(func() { r.driver.Close() })
	return r
}

// recordEvent stores an event of a session.
func (r *rig) recordEvent(s *stream.Session, ev stream.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ev.Data = slices.Clone(ev.Data)
	r.events[s.ID] = append(r.events[s.ID], ev)
}

// recording returns a callback that calls recordEvent, then the given one.
func (r *rig) recording(then func(*stream.Session, stream.Event)) func(*stream.Session, stream.Event) {
	return func(s *stream.Session, ev stream.Event) {
		r.recordEvent(s, ev)
		if then != nil {
			then(s, ev)
		}
	}
}

// recorder is the rig as a stream.Logger.
type recorder struct{ r *rig }

// Log stores the outcome of a session.
func (l recorder) Log(s *stream.Session) {
	r := l.r
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &s.Traffic
	r.ended = append(r.ended, outcome{
		s.Status, t.End, t.FromClient.Load(), t.ToClient.Load(), t.FromUpstream.Load(), t.ToUpstream.Load(), r.events[s.ID],
	})
	delete(r.events, s.ID)
}

// checkCounters compares the shared counters with the sums of all sessions, after all have finished.
func (r *rig) checkCounters() {
	got, ended := r.zone.Snapshot(), r.outcomes()
	if r.Failed() || got.Processing > 0 || got.Sessions.Total != int64(len(ended)) {
		return
	}
	var want outcome
	for _, o := range ended {
		want.fromClient += o.fromClient
		want.toClient += o.toClient
		want.fromUpstream += o.fromUpstream
		want.toUpstream += o.toUpstream
	}
	if got.Received != want.fromClient || got.Sent != want.toClient {
		r.Errorf("the zone has received %d and sent %d, its sessions %d and %d", got.Received, got.Sent, want.fromClient, want.toClient)
	}
	received, sent := r.peer.Totals()
	if received+sent > 0 && (received != want.fromUpstream || sent != want.toUpstream) {
		r.Errorf("the peer's counters are %d received and %d sent, those of its sessions %d and %d", received, sent, want.fromUpstream, want.toUpstream)
	}
}

// finished returns the number of finished sessions.
func (r *rig) finished() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ended)
}

// outcomes returns the outcomes of the sessions that have finished.
func (r *rig) outcomes() []outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ended)
}

// outcome waits for the first session to finish.
func (r *rig) outcome() outcome {
	r.Helper()
	testwait.Eventually(r, "the session has finished", func() bool { return r.finished() > 0 })
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended[0]
}

// sawEvent reports whether any unfinished session has seen an event of that kind.
func (r *rig) sawEvent(kind stream.EventKind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, events := range r.events {
		if slices.ContainsFunc(events, func(ev stream.Event) bool { return ev.Kind == kind }) {
			return true
		}
	}
	return false
}

// server returns a server with that content, whose events the rig records.
func (r *rig) server(content stream.Content) *stream.Server {
	return &stream.Server{
		Content: content, Zone: r.zone,
		Loggers: []stream.Logger{recorder{r}},
		Settings: stream.Settings{
			PrereadBufferSize: 16384, PrereadTimeout: testwait.Patience, ProxyProtocolTimeout: testwait.Patience, NoDelay: true, ErrorLog: r.env.Log,
		},
	}
}

// A frontend is a listening socket on which the driver accepts.
type frontend struct {
	*rig
	addr     net.Addr
	file     *os.File
	listener *stream.Listener
	listen   *stream.Listen
}

// A listenOption changes the Listen of a frontend before the driver gets it.
type listenOption func(*stream.Listen)

// preread makes h the handler of the preread phase.
func preread(h stream.Handler) listenOption {
	return func(l *stream.Listen) { l.Default.Handlers[stream.Preread] = []stream.Handler{h} }
}

// listenOn opens a socket of that network, on which the driver accepts for the server.
func (r *rig) listenOn(network string, server *stream.Server, settings ...listenOption) *frontend {
	r.Helper()
	f := r.bind(network, server)
	for _, set := range settings {
		set(f.listen)
	}
	if err := r.driver.Listen(f.listener); err != nil {
		r.Fatal(err)
	}
	return f
}

// bind is listenOn without the driver.
func (r *rig) bind(network string, server *stream.Server) *frontend {
	r.Helper()
	l := r.socket(network)
	file, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { file.Close() })
	f := &frontend{rig: r, addr: l.Addr(), file: file}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	l.Close()
	f.listen = &stream.Listen{Config: stream.NewConfig(), Addr: addrOf(f.addr), Default: server, WantLocal: true}
	fd := int(file.Fd())
	syscall.SetNonblock(fd, true)
	f.listener = &stream.Listener{FDs: []int{fd}, Admit: func() (*stream.Listen, stream.Lease) { return f.listen, nil }}
	return f
}

// socket listens on a new address.
func (r *rig) socket(network string) net.Listener {
	r.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "weir") // t.TempDir may be too long for a socket's name
		if err != nil {
			r.Fatal(err)
		}
		r.Cleanup(func() { os.RemoveAll(dir) })
		address = filepath.Join(dir, "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { l.Close() })
	return l
}

// dial connects a client.
func (f *frontend) dial() duplex {
	f.Helper()
	c, err := net.Dial(f.addr.Network(), f.addr.String())
	if err != nil {
		f.Fatal(err)
	}
	return f.keep(c)
}

// duplex is the interface of the tests' ends of connections.
type duplex interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
	SetReadBuffer(bytes int) error
}

// keep closes c at the end of the test, and sets a deadline so that nothing waits for it forever.
func (r *rig) keep(c net.Conn) duplex {
	c.SetDeadline(time.Now().Add(3 * testwait.Patience))
	r.Cleanup(func() { c.Close() })
	return c.(duplex)
}

func addrOf(a net.Addr) stream.Addr {
	if u, ok := a.(*net.UnixAddr); ok {
		return stream.UnixAddr(u.Name)
	}
	return stream.Addr{IP: a.(*net.TCPAddr).AddrPort()}
}

// A proxyFrontend is a frontend with one upstream server.
type proxyFrontend struct {
	*frontend
	upstream net.Listener
}

// proxied starts a server for p, unless it has one, and the driver before it.
func (r *rig) proxied(p *Proxy, settings ...listenOption) *proxyFrontend {
	r.Helper()
	return r.proxiedOver("tcp", p, settings...)
}

func (r *rig) proxiedOver(network string, p *Proxy, settings ...listenOption) *proxyFrontend {
	r.Helper()
	l := r.socket(network)
	if p.To == nil {
		p.To = []stream.Addr{addrOf(l.Addr())}
	}
	if p.Spec != nil {
		p.Spec.Peer = r.peer
	}
	p.OnEvent = r.recording(p.OnEvent)
	return &proxyFrontend{r.listenOn(network, r.server(p), settings...), l}
}

// accept accepts the driver's connection.
func (p *proxyFrontend) accept() duplex {
	p.Helper()
	c, err := p.upstream.Accept()
	if err != nil {
		p.Fatal(err)
	}
	return p.keep(c)
}

// pair starts a session, and returns its two ends.
func (p *proxyFrontend) pair() (client, server duplex) {
	p.Helper()
	client = p.dial()
	return client, p.accept()
}

// exchange is pair for a session that relays: it has passed on a byte.
func (p *proxyFrontend) exchange() (client, server duplex) {
	p.Helper()
	client, server = p.pair()
	send(p, client, "x")
	expect(p, server, "x")
	return client, server
}

// spec returns a plain relay.
func spec() *relay.Spec { return &relay.Spec{BufferSize: 4096, Timeout: testwait.Patience} }

func closeFD(fd int) { syscall.Close(fd) }
