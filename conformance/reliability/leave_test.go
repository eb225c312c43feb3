package reliability

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// A departure is a phase in which a client leaves.
type departure struct {
	name  string
	to    int    // the server: 0 answers, 1 accepts no connection, 2 sends without end
	sends []byte // before the client leaves
	waits int    // bytes that the client reads before it leaves
}

var (
	hello      = peers.Connect{Level: 4, ClientID: "leaving"}.Bytes()
	departures = []departure{
		{name: "after accept"},
		{name: "in CONNECT", sends: hello[:8]},
		{name: "while the broker does not accept", to: 1, sends: hello},
		{name: "after CONNECT", sends: hello},
		{name: "after CONNACK", sends: hello, waits: len(connack)},
		{name: "in a packet", sends: append(slices.Clip(hello), 0x30, 100), waits: len(connack)},
		{name: "while the broker sends", to: 2, sends: hello, waits: 1},
	}
)

// leaving are the ways in which a client leaves.
var leaving = map[string]func(*net.TCPConn) error{
	"close": (*net.TCPConn).Close,
	"reset": func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
	"half close": func(c *net.TCPConn) error {
		defer c.Close()
		if err := c.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) { // weir has closed the connection
			return err
		}
		if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, c) // until weir ends the session, or for a while
		return nil
	},
}

// TestClientsLeave lets clients leave in each phase and in each way while others exchange messages. All
// sessions end, and weir's counts agree.
func TestClientsLeave(t *testing.T) {
	each := scale(10, 200)
	s, full, flooding := newSite(t), ports.Reserve(t).String(), ports.Reserve(t).String()
	queue, err := peers.StartFull(ports.Reserve(t).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(queue.Close)
	serve, _ := flood()
	s.start(fmt.Sprintf(`mqtt_preread on; proxy_connect_timeout 2s; preread_timeout 2s; proxy_timeout 5s;
server { listen $ADDR backlog=4096; status_zone mqtt; proxy_pass %s; }
server { listen %s; status_zone full; proxy_pass %s; }
server { listen %s; status_zone flood; proxy_pass %s; }`, threeBrokers(t)[0], full, queue.Addr(), flooding, localBroker(t, serve).Addr()))
	f := startFleet(t, s.addr, names("meter", 50))
	f.round()
	before := s.usage()
	addrs := [...]string{s.addr, full, flooding}
	for _, d := range departures {
		for way, leave := range leaving {
			d.crowd(t, each, addrs[d.to], way, leave)
		}
	}
	after := s.awaitUsage(before)
	f.round()
	f.halt()
	zones := s.wantNoSessions()
	for i, name := range []string{"mqtt", "full", "flood"} {
		if got, want := zones[name].Connections, each*len(leaving)*visitsOf(i)+len(f.clients)*(1-min(i, 1)); got != want {
			t.Errorf("the zone %s has %d connections, want %d", name, got, want)
		}
	}
	figure(t, "leaving clients", "%d in %d phases and %d ways; before: %v; after: %v", each*len(departures)*len(leaving), len(departures),
		len(leaving), before, after)
	s.Quit(t)
	s.wantNoBugs()
}

// visitsOf returns the number of departures to a server.
func visitsOf(to int) (n int) {
	for _, d := range departures {
		if d.to == to {
			n++
		}
	}
	return n
}

// crowd lets n clients leave at the same time.
func (d departure) crowd(t *testing.T, n int, addr, way string, leave func(*net.TCPConn) error) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := d.visit(addr, leave); err != nil {
				t.Errorf("%s, %s: %v", d.name, way, err)
			}
		})
	}
	all.Wait()
}

func (d departure) visit(addr string, leave func(*net.TCPConn) error) error {
	c, err := dialer.Dial("tcp", addr)
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(program.Patience)); err != nil {
		return err
	}
	if _, err := c.Write(d.sends); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, make([]byte, d.waits)); err != nil {
		return err
	}
	return leave(c.(*net.TCPConn))
}

// A zone has the counts of a server in the API.
type zone struct {
	Processing  int
	Connections int
	Sessions    struct{ Total int }
	Discarded   int
	Received    int64
	Sent        int64
}

// zones returns the counts of all servers.
func (s *site) zones() map[string]zone {
	s.t.Helper()
	var all map[string]zone
	s.decode("/api/9/stream/server_zones", &all)
	return all
}

func (s *site) decode(path string, to any) {
	s.t.Helper()
	text := s.request("GET", path, "")
	if err := json.Unmarshal([]byte(text), to); err != nil {
		s.t.Fatalf("%s: %v: %s", path, err, text)
	}
}

// wantNoSessions waits until no session is active, and checks that each accepted connection is counted
// as ended. It returns the counts.
func (s *site) wantNoSessions() map[string]zone {
	s.t.Helper()
	var all map[string]zone
	program.Await(s.t, "the end of all sessions", func() bool {
		active := 0
		all = s.zones()
		for _, z := range all {
			active += z.Processing
		}
		return active == 0
	})
	for name, z := range all {
		if z.Connections != z.Sessions.Total+z.Discarded {
			s.t.Errorf("the zone %s has %d connections, of which %d have ended and %d are discarded", name, z.Connections, z.Sessions.Total, z.Discarded)
		}
	}
	return all
}

// wantNoBugs checks that the error log has no line about a bug of weir.
func (s *site) wantNoBugs() {
	s.t.Helper()
	for line := range strings.Lines(s.Read(s.t, "error.log")) {
		if strings.Contains(line, "panic") || strings.Contains(line, "[alert]") || strings.Contains(line, "[emerg]") {
			s.t.Error(line)
		}
	}
}
