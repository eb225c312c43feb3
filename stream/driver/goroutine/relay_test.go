package goroutine_test

import (
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"weir/internal/race"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/goroutine"
	"weir/stream/offline"
)

// passage is a driver with a proxy to one server.
type passage struct {
	front    net.Listener
	upstream net.Listener
}

func newPassage(t testing.TB, spec *relay.Spec) *passage {
	t.Helper()
	p := &passage{listen(t), listen(t)}
	env, _ := offline.NewEnv(time.Now)
	server := &stream.Server{
		Content: &drivertest.Proxy{
			To: []stream.Addr{{IP: p.upstream.Addr().(*net.TCPAddr).AddrPort()}}, Spec: spec, Target: stream.Target{NoDelay: true},
		},
		Settings: stream.Settings{NoDelay: true},
	}
	l := &stream.Listen{Config: stream.NewConfig(), Addr: stream.Addr{IP: p.front.Addr().(*net.TCPAddr).AddrPort()}, Default: server}
	f, err := p.front.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	d := goroutine.New(env)
	port := &stream.Listener{FDs: []int{int(f.Fd())}, Admit: func() (*stream.Listen, stream.Lease) { return l, nil }}
	if err := d.Listen(port); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		f.Close()
	})
	return p
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// pair returns the two ends of a session as blocking descriptors, so that only the driver
// allocates.
func (p *passage) pair(t testing.TB) (client, server int) {
	t.Helper()
	c, err := net.Dial("tcp", p.front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.upstream.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return descriptor(t, c), descriptor(t, s)
}

func descriptor(t testing.TB, c net.Conn) int {
	t.Helper()
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	fd := int(f.Fd()) // blocking from here on
	t.Cleanup(func() { f.Close() })
	return fd
}

// pingPong sends b from one end to the other and back.
func pingPong(t testing.TB, client, server int, b []byte) {
	t.Helper()
	for _, way := range [][2]int{{client, server}, {server, client}} {
		if _, err := syscall.Write(way[0], b); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(b); {
			m, err := syscall.Read(way[1], b[n:])
			if err == syscall.EINTR {
				continue
			}
			if m <= 0 {
				t.Fatal(io.ErrUnexpectedEOF, err)
			}
			n += m
		}
	}
}

func TestRelayDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, tt := range []struct {
		name string
		spec relay.Spec
	}{
		{"plain", relay.Spec{BufferSize: 4096, Timeout: time.Minute}},
		{"without a time-out", relay.Spec{BufferSize: 16384}},
		{"first byte reported", relay.Spec{BufferSize: 4096, Timeout: time.Minute, FirstByte: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := newPassage(t, &tt.spec).pair(t)
			b := make([]byte, 128)
			pingPong(t, client, server, b)
			if got := testing.AllocsPerRun(1000, func() { pingPong(t, client, server, b) }); got >= 1 {
				t.Errorf("%v allocations for each round, want 0", got)
			}
		})
	}
}

// idleBytes is the maximum memory of an idle session, in heap and in the stacks of its two
// goroutines: less than one of its buffers. The measured value is 13,000, of which 10,000 are the
// stacks; the ends of the connections in this test add 2,000.
const idleBytes = 24 << 10

func TestIdleSessionsAreSmall(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector's goroutines are larger")
	}
	const n = 200
	p := newPassage(t, &relay.Spec{BufferSize: 64 << 10, Timeout: time.Minute})
	b := make([]byte, 128)
	fds := make([][2]int, n)
	before := memory()
	for i := range fds {
		fds[i][0], fds[i][1] = p.pair(t)
		pingPong(t, fds[i][0], fds[i][1], b)
	}
	got := (memory() - before) / n
	t.Logf("%d bytes for each session", got)
	if got > idleBytes {
		t.Errorf("an idle session takes %d bytes, want at most %d", got, idleBytes)
	}
}

// memory returns the bytes of heap and stacks in use.
func memory() int64 {
	var m runtime.MemStats
	for range 3 { // each cycle empties pools and shrinks stacks a little further
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func BenchmarkPingPong(b *testing.B) {
	client, server := newPassage(b, &relay.Spec{BufferSize: 4096, Timeout: time.Minute}).pair(b)
	packet := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		pingPong(b, client, server, packet)
	}
}
