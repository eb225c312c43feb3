package udp_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/udp"
	"weir/stream/offline"
	"weir/stream/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outcome is the result of a session that has finished.
type outcome struct {
	end                                            relay.End
	packets                                        relay.Packets
	fromClient, toClient, fromUpstream, toUpstream int64
	local                                          string
	failures                                       []stream.Event
}

// rig is a driver with one address on which it serves, and the outcomes of its sessions.
type rig struct {
	testing.TB
	driver   stream.Driver
	env      *stream.Env
	lines    *offline.Lines
	proxy    *drivertest.Proxy
	server   *stream.Server
	listen   *stream.Listen
	listener *stream.Listener
	addr     net.Addr
	once     sync.Once
	events   chan stream.EventKind // of all sessions, as far as there is room
	ended    chan outcome

	zone *status.ServerZone
	peer *relay.Counters

	mu       sync.Mutex
	total    outcome // the sums of the sessions that have ended
	logged   int64   // sessions that have ended
	failures map[uint64][]stream.Event
	packets  map[uint64]relay.Packets
}

// newRig serves at an address of the network by relaying to another address of it, as spec defines.
func newRig(t testing.TB, network, address string, spec relay.Spec, o udp.Options) *rig {
	t.Helper()
	r := &rig{
		TB: t, events: make(chan stream.EventKind, 100_000), ended: make(chan outcome, 100_000),
		failures: map[uint64][]stream.Event{}, packets: map[uint64]relay.Packets{},
		zone: status.NewServerZone("z"), peer: relay.NewCounters(),
	}
	t.Cleanup(r.checkCounters)
	spec.Peer = r.peer
	r.env, r.lines = offline.NewEnv(time.Now)
	r.proxy = &drivertest.Proxy{Spec: &spec, OnEvent: r.recordEvent}
	r.server = &stream.Server{Content: r.proxy, Zone: r.zone, Loggers: []stream.Logger{r}, Settings: stream.Settings{ErrorLog: r.env.Log}}
	d := udp.New(r.env, o)
	r.driver = d
	t.Cleanup(func() { d.Close() })
	r.open(network, address)
	return r
}

// open opens the socket to serve.
func (r *rig) open(network, address string) {
	r.Helper()
	conn := r.socket(network, address)
	r.addr = conn.LocalAddr()
	fd := descriptor(r.TB, conn)
	conn.Close()
	r.listen = &stream.Listen{Config: stream.NewConfig(), Addr: addrOf(r.addr), Default: r.server, WantLocal: true}
	r.listener = &stream.Listener{FDs: []int{fd}, Datagrams: true, Admit: func() (*stream.Listen, stream.Lease) { return r.listen, nil }}
}

// start makes the driver serve, at its first call. Before it, the test may change the
// configuration.
func (r *rig) start() {
	r.Helper()
	r.once.Do(func() {
		if err := r.driver.Listen(r.listener); err != nil {
			r.Fatal(err)
		}
	})
}

// socket opens a socket at an address; for unix sockets the address is a name.
func (r *rig) socket(network, address string) net.PacketConn {
	r.Helper()
	if network == "unixgram" {
		address = r.path(address)
	}
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testwait.Patience))
	return conn
}

// path returns a name for a socket; t.TempDir may be too long for one.
func (r *rig) path(name string) string {
	r.Helper()
	dir, err := os.MkdirTemp("", "weir")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, name)
}

// descriptor returns a non-blocking copy of conn's descriptor that receives local addresses.
func descriptor(t testing.TB, conn net.PacketConn) int {
	t.Helper()
	file, err := conn.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	fd := int(file.Fd())
	unix.SetNonblock(fd, true)
	unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	return fd
}

func addrOf(a net.Addr) stream.Addr {
	if u, ok := a.(*net.UnixAddr); ok {
		return stream.Addr{Unix: true, Path: u.Name, UDP: true}
	}
	ap := a.(*net.UDPAddr).AddrPort()
	return stream.Addr{IP: netip.AddrPortFrom(ap.Addr(), ap.Port()), UDP: true}
}

// recordEvent records an event for the outcome that Log reports.
func (r *rig) recordEvent(s *stream.Session, ev stream.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events <- ev.Kind
	switch {
	case ev.Kind == stream.Failed:
		r.failures[s.ID] = append(r.failures[s.ID], ev)
	case ev.Packets != nil:
		r.packets[s.ID] = *ev.Packets
	}
}

// Log records the outcome of a session.
func (r *rig) Log(s *stream.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &s.Traffic
	r.logged++
	r.total.fromClient += t.FromClient.Load()
	r.total.toClient += t.ToClient.Load()
	r.total.fromUpstream += t.FromUpstream.Load()
	r.total.toUpstream += t.ToUpstream.Load()
	r.ended <- outcome{
		t.End, r.packets[s.ID], t.FromClient.Load(), t.ToClient.Load(), t.FromUpstream.Load(), t.ToUpstream.Load(),
		s.Client.Local.String(), r.failures[s.ID],
	}
}

// checkCounters compares the shared counters with the sums of all sessions, after all have ended.
func (r *rig) checkCounters() {
	got, want := r.zone.Snapshot(), &r.total
	if r.Failed() || got.Processing > 0 || got.Sessions.Total != r.logged {
		return
	}
	if got.Received != want.fromClient || got.Sent != want.toClient {
		r.Errorf("the zone has received %d and sent %d, its sessions %d and %d", got.Received, got.Sent, want.fromClient, want.toClient)
	}
	received, sent := r.peer.Totals()
	if received != want.fromUpstream || sent != want.toUpstream {
		r.Errorf("the peer's counters are %d received and %d sent, those of its sessions %d and %d", received, sent, want.fromUpstream, want.toUpstream)
	}
}

// outcome waits for the next session to end.
func (r *rig) outcome() outcome {
	r.Helper()
	select {
	case o := <-r.ended:
		return o
	case <-time.After(testwait.Patience):
		r.Fatal("no session ends")
		return outcome{}
	}
}

// upstream is a server of the proxy that the test implements.
func (r *rig) upstream(network string) net.PacketConn {
	r.Helper()
	address := "127.0.0.1:0"
	if network == "unixgram" {
		address = "up"
	}
	conn := r.socket(network, address)
	r.proxy.To = []stream.Addr{addrOf(conn.LocalAddr())}
	return conn
}

// echo makes a server answer each datagram with the same data.
func (r *rig) echo() net.PacketConn {
	r.Helper()
	conn := r.upstream("udp4")
	r.serve(conn, func(data []byte) [][]byte { return [][]byte{data} })
	return conn
}

// serve answers each datagram that conn receives, until it is closed.
func (r *rig) serve(conn net.PacketConn, answers func([]byte) [][]byte) {
	var ended sync.WaitGroup
	ended.Go(func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			for _, a := range answers(slices.Clone(b[:n])) {
				conn.WriteTo(a, from)
			}
		}
	})
	r.Cleanup(func() { conn.Close(); ended.Wait() })
}

// expectAt checks that the next datagram at a server is want, and returns its sender.
func (r *rig) expectAt(conn net.PacketConn, want string) net.Addr {
	r.Helper()
	b := make([]byte, 1<<16)
	n, from, err := conn.ReadFrom(b)
	if err != nil || string(b[:n]) != want {
		r.Fatalf("got %q, %v; want %q", b[:n], err, want)
	}
	return from
}

func (r *rig) answer(conn net.PacketConn, to net.Addr, text string) {
	r.Helper()
	if _, err := conn.WriteTo([]byte(text), to); err != nil {
		r.Fatal(err)
	}
}

// plain returns a relay without limits of its own.
func plain() relay.Spec {
	return relay.Spec{BufferSize: 16384, Timeout: testwait.Patience, Responses: -1}
}
