package reliability

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// A storm is a weir with three servers. The brokers of one fail all the time; those of another are in a bad
// network; those of the third work. The sessions of the latter two must not notice the failures.
type storm struct {
	*site
	random  *rand.Rand
	calm    []string // addresses of brokers in this process
	brokers []*broker
	guest   string        // address of a broker that the API adds
	harsh   string        // address of the server whose brokers fail
	rough   badNetwork    // the server in a bad network, and its brokers
	traffic traffic       // of the calm brokers
	failing traffic       // of the clients of the server whose brokers fail
	dialled atomic.Int64  // connections to the server whose brokers fail
	served  atomic.Int64  // those that got CONNACK
	stop    chan struct{} // closed at the end of its clients
	clients sync.WaitGroup
	done    map[string]int // actions by their name
	renewed time.Time      // the last reload
}

// traffic counts the bytes that brokers have received and sent.
type traffic struct{ in, out atomic.Int64 }

// A countedConn counts its bytes.
type countedConn struct {
	net.Conn
	*traffic
}

func (c countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Add(int64(n))
	return n, err
}

func (c countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out.Add(int64(n))
	return n, err
}

func newStorm(t *testing.T) *storm {
	t.Helper()
	s := &storm{site: newSite(t), random: rand.New(rand.NewPCG(3, 4)), brokers: startRoughBrokers(t, 3), harsh: ports.Reserve(t).String(),
		stop: make(chan struct{}), done: map[string]int{}}
	s.rough.addr = ports.Reserve(t).String()
	s.rough.start(t)
	var all peers.Fleet
	s.guest = localBroker(t, all.Broker("guest")).Addr()
	for _, name := range names("broker", 3) {
		serve := all.Broker(name)
		s.calm = append(s.calm, localBroker(t, func(c *peers.Conn) {
			c.Conn = countedConn{c.Conn, &s.traffic}
			serve(c)
		}).Addr())
	}
	return s
}

// body returns the stream block.
func (s *storm) body() string {
	var b strings.Builder
	b.WriteString("mqtt_preread on; proxy_connect_timeout 500ms; proxy_timeout 5s;\n")
	groups := map[string][]string{
		"calm": s.calm, "harsh": {s.brokers[0].addr, s.brokers[1].addr, s.brokers[2].addr}, "rough": s.rough.brokers,
	}
	for name, addrs := range groups {
		fmt.Fprintf(&b, "upstream %s {\nzone %s 256k;\nhash $mqtt_preread_clientid consistent;\n", name, name)
		for _, addr := range addrs {
			fmt.Fprintf(&b, "server %s max_fails=1 fail_timeout=1s;\n", addr)
		}
		b.WriteString("}\n")
	}
	for name, addr := range map[string]string{"calm": s.addr, "harsh": s.harsh, "rough": s.rough.addr} {
		fmt.Fprintf(&b, "server { listen %s backlog=4096 sndbuf=16k; status_zone %s; proxy_pass %s; }\n", addr, name, name)
	}
	return b.String()
}

// stormClients is how many clients the server has whose brokers fail.
const stormClients = 30

// TestStorm lets brokers fail and changes servers by the API at random, and reloads, while clients come and
// go. Brokers delay packets, send them in pieces, and reset connections. Sessions of brokers that do not
// fail are not affected, all counts agree, and nothing leaks.
func TestStorm(t *testing.T) {
	duration, long := soak()
	if !long {
		duration = 5 * time.Second
	}
	s := newStorm(t)
	s.start(s.body())
	f := startFleet(t, s.addr, names("meter", scale(50, 1000)))
	v := startVisitors(t, &visitors{addr: s.addr, ids: names("visitor", 100), rate: scale(50, 100)})
	s.reload() // the sessions of the fleet keep the first configuration
	f.round()
	before := s.usage()
	for i := range stormClients {
		s.run(fmt.Sprintf("harsh-%d", i), uint64(i), s.visit)
	}
	for i := range roughClients {
		s.run(fmt.Sprintf("rough-%d", i), stormClients+uint64(i), func(id string, r *rand.Rand) {
			if err := s.rough.visit(id, r); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	t.Cleanup(s.halt)
	var memory [4]int // after each quarter
	for i := range memory {
		memory[i] = s.act(duration / time.Duration(len(memory)))
	}
	s.halt()
	f.round()
	visits := v.wantServed(t)
	after := s.awaitUsage(before)
	s.wantActive(len(f.clients))
	f.halt()
	zones := s.wantNoSessions()
	s.wantBytes(zones["calm"], f, v.all)
	s.rough.want(s.site, zones["rough"])
	s.wantFailing(zones["harsh"])
	figure(t, "storm", "%v: %v", duration, s.done)
	figure(t, "storm", "%d sessions and %d visits unaffected; %d of %d others served", len(f.clients), visits, s.served.Load(), s.dialled.Load())
	figure(t, "storm", "before: %v; after: %v; memory after each quarter: %d, %d, %d and %d KiB",
		before, after, memory[0]>>10, memory[1]>>10, memory[2]>>10, memory[3]>>10)
	if memory[3] > memory[0]*5/4+8<<20 {
		t.Errorf("memory has grown from %d to %d KiB", memory[0]>>10, memory[3]>>10)
	}
	s.Quit(t)
	s.wantNoBugs()
}

// wantActive waits until n sessions of the calm brokers are left, and none of the others, and checks that
// each accepted connection is active, or counted as ended.
func (s *storm) wantActive(n int) {
	s.t.Helper()
	var zones map[string]zone
	program.Await(s.t, "the end of all sessions but those of the fleet", func() bool {
		zones = s.zones()
		return zones["calm"].Processing == n && zones["harsh"].Processing == 0 && zones["rough"].Processing == 0
	})
	if z := zones["calm"]; z.Connections != z.Processing+z.Sessions.Total+z.Discarded {
		s.t.Errorf("%d connections, of which %d are active, %d have ended and %d are discarded", z.Connections, z.Processing, z.Sessions.Total, z.Discarded)
	}
}

// wantFailing compares the counts of the server whose brokers fail with those of its clients. Resets
// discard bytes on their way, so that clients may have sent more than weir has received.
func (s *storm) wantFailing(z zone) {
	s.t.Helper()
	if got, want := z.Connections, int(s.dialled.Load()); got != want {
		s.t.Errorf("the zone has %d connections, want %d", got, want)
	}
	if sent, received := s.failing.out.Load(), s.failing.in.Load(); z.Received > sent || z.Sent < received {
		s.t.Errorf("clients have sent %d and received %d bytes, weir has received %d and sent %d", sent, received, z.Received, z.Sent)
	}
}

// halt ends the clients of the brokers that fail, and of those in a bad network. It may be called again.
func (s *storm) halt() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.clients.Wait()
}

// wantBytes compares the bytes that clients and brokers have counted with those of the API. Each client
// of the fleet sends CONNECT and its messages, each visitor CONNECT and DISCONNECT.
func (s *storm) wantBytes(z zone, f *fleet, visits []visit) {
	s.t.Helper()
	received := f.pings.Load() * int64(len(pingreq))
	sent := f.pings.Load()*int64(len(pingresp)) + int64(len(connack)*(len(f.clients)+len(visits)))
	for i := range f.clients {
		received += int64(len(peers.Connect{Level: 4, ClientID: fmt.Sprintf("meter-%d", i)}.Bytes()))
	}
	for _, v := range visits {
		received += int64(len(peers.Connect{Level: 4, ClientID: v.id, Username: v.name}.Bytes()) + len(disconnect))
	}
	if z.Received != received || s.traffic.in.Load() != received {
		s.t.Errorf("clients have sent %d bytes, weir counts %d, the brokers %d", received, z.Received, s.traffic.in.Load())
	}
	if z.Sent != sent || s.traffic.out.Load() != sent {
		s.t.Errorf("clients have received %d bytes, weir counts %d, the brokers %d", sent, z.Sent, s.traffic.out.Load())
	}
	figure(s.t, "storm", "clients, weir and brokers count %d and %d bytes", received, sent)
}

// run visits a server again and again.
func (s *storm) run(id string, seed uint64, visit func(string, *rand.Rand)) {
	random := rand.New(rand.NewPCG(5, seed))
	s.clients.Go(func() {
		pause := time.NewTicker(visitPause)
		defer pause.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-pause.C:
			}
			visit(id, random)
		}
	})
}

// visitPause is the shortest time between two visits of a client.
const visitPause = 50 * time.Millisecond

// answerTimeout is how long clients of a broker that may be stopped wait.
const answerTimeout = 2 * time.Second

// visit sends CONNECT in pieces and some messages, and then leaves or resets the connection. The broker
// may fail meanwhile.
func (s *storm) visit(id string, r *rand.Rand) {
	conn, err := dialer.Dial("tcp", s.harsh)
	if err != nil {
		s.t.Errorf("weir refuses: %v", err)
		return
	}
	s.dialled.Add(1)
	c := &client{countedConn{conn, &s.failing}}
	defer c.Close()
	packet := peers.Connect{Level: 4, ClientID: id}.Bytes()
	cut := r.IntN(len(packet))
	if _, err := c.Write(packet[:cut]); err != nil {
		return
	}
	if c.exchange(packet[cut:], connack, answerTimeout) != nil {
		return
	}
	s.served.Add(1)
	for range r.IntN(10) {
		if c.exchange(pingreq, pingresp, answerTimeout) != nil {
			return
		}
	}
	if r.IntN(3) == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0)
		return
	}
	_ = c.leave() // the broker may have failed
}

// act does something at random until the time has passed, and reloads at an interval. It returns the memory
// of weir at the end.
func (s *storm) act(duration time.Duration) int {
	s.t.Helper()
	pace := time.NewTicker(min(max(duration/20, 100*time.Millisecond), 3*time.Second))
	defer pace.Stop()
	actions := []struct {
		name string
		do   func()
	}{
		{"killed", s.killBroker},
		{"stopped", s.stopBroker},
		{"API changes", s.changeServers},
	}
	for end := time.Now().Add(duration); time.Now().Before(end) && !s.t.Failed(); <-pace.C {
		if interval := scale(time.Second, time.Minute); time.Since(s.renewed) > interval {
			s.reload()
			s.renewed = time.Now()
			s.done["reloads"]++
		}
		a := actions[s.random.IntN(len(actions))]
		a.do()
		s.done[a.name]++
	}
	return s.Memory(s.t)
}

// wait lets the storm act on weir for a while.
func (s *storm) wait() {
	timer := time.NewTimer(time.Duration(s.random.IntN(500)) * time.Millisecond)
	<-timer.C
}

func (s *storm) killBroker() {
	b := s.brokers[s.random.IntN(len(s.brokers))]
	b.kill()
	s.wait()
	b.start()
}

func (s *storm) stopBroker() {
	b := s.brokers[s.random.IntN(len(s.brokers))]
	b.signal(syscall.SIGSTOP)
	s.wait()
	b.signal(syscall.SIGCONT)
}

// changeServers adds a server by the API, changes it, and removes it.
func (s *storm) changeServers() {
	const servers = "/api/9/stream/upstreams/harsh/servers"
	var added struct{ ID int }
	text := s.request("POST", servers, fmt.Sprintf(`{"server": %q}`, s.guest))
	if err := json.Unmarshal([]byte(text), &added); err != nil {
		s.t.Fatal(err)
	}
	own := fmt.Sprintf("%s/%d", servers, added.ID)
	s.wait()
	s.request("PATCH", own, `{"weight": 5}`)
	s.request("PATCH", own, `{"down": true}`)
	s.wait()
	s.request("DELETE", own, "")
}
