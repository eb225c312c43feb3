package udp_test

import (
	"net"
	"testing"
	"time"

	"weir/internal/race"
	"weir/internal/relay"
	"weir/stream/driver/udp"
)

// line is a set of clients with their sessions and their server, for round trips that do not
// allocate in the test.
type line struct {
	testing.TB
	clients []*net.UDPConn
	server  *net.UDPConn
	buf     []byte
}

func newLine(t testing.TB, clients int, spec relay.Spec) *line {
	t.Helper()
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	r.proxy.OnEvent = nil
	r.server.Loggers = nil
	l := &line{TB: t, server: r.upstream("udp4").(*net.UDPConn), buf: make([]byte, 2048)}
	l.server.SetDeadline(time.Time{})
	for range clients {
		c := r.client("").Conn.(*net.UDPConn)
		c.SetDeadline(time.Time{})
		l.clients = append(l.clients, c)
	}
	return l
}

// exchange makes each client send a datagram of n bytes and receive it back.
func (l *line) exchange(n int) {
	for _, c := range l.clients {
		if _, err := c.Write(l.buf[:n]); err != nil {
			l.Fatal(err)
		}
	}
	for range l.clients {
		n, from, err := l.server.ReadFromUDPAddrPort(l.buf)
		if err == nil {
			_, err = l.server.WriteToUDPAddrPort(l.buf[:n], from)
		}
		if err != nil {
			l.Fatal(err)
		}
	}
	for _, c := range l.clients {
		if _, err := c.Read(l.buf); err != nil {
			l.Fatal(err)
		}
	}
}

// TestAllocations tests that a datagram allocates nothing in either direction once its session
// exists.
func TestAllocations(t *testing.T) {
	l := newLine(t, 20, plain())
	l.exchange(100)
	if n := testing.AllocsPerRun(500, func() { l.exchange(100) }); n != 0 && !race.Enabled {
		t.Errorf("got %v allocations for twenty exchanges, want none", n)
	}
}

// BenchmarkExchange measures round trips: one at a time, many at a time, and each with a session of
// its own.
func BenchmarkExchange(b *testing.B) {
	single := plain()
	single.Responses = 1
	rows := []struct {
		name    string
		clients int
		spec    relay.Spec
	}{{"one client", 1, plain()}, {"64 clients", 64, plain()}, {"64 clients, a session each time", 64, single}}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			l := newLine(b, row.clients, row.spec)
			l.exchange(100)
			b.ReportAllocs()
			for b.Loop() {
				l.exchange(100)
			}
			b.ReportMetric(float64(b.N*row.clients)/b.Elapsed().Seconds(), "exchanges/s")
		})
	}
}
