package reliability

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
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

// closeRate is fleet_close_rate in the tests of endings.
const closeRate = 100

// An ending is the end of the session of one client: the number of the client by its start, and the time.
type ending struct {
	number int
	at     time.Time
}

// leavers are clients that wait for the ends of their sessions.
type leavers struct {
	t       *testing.T
	n       int
	running sync.WaitGroup

	mu   sync.Mutex
	ends []ending // in their order
}

// startLeavers connects n clients, one after another.
func startLeavers(t *testing.T, addr string, n int) *leavers {
	t.Helper()
	l := &leavers{t: t, n: n}
	t.Cleanup(l.running.Wait) // after the clients are closed
	for i, id := range names("leaver", n) {
		c, err := connect(addr, id, "", program.Patience)
		if err != nil {
			t.Fatalf("client %s: %v", id, err)
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		l.running.Go(func() {
			io.Copy(io.Discard, c)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.ends = append(l.ends, ending{i, time.Now()})
		})
	}
	return l
}

// count returns how many sessions have ended.
func (l *leavers) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ends)
}

// await waits until n sessions have ended.
func (l *leavers) await(n int) {
	l.t.Helper()
	program.Await(l.t, fmt.Sprintf("the end of %d sessions", n), func() bool { return l.count() >= n })
}

// most returns the largest number of sessions that ended within a time.
func most(ends []ending, within time.Duration) (n int) {
	first := 0
	for i := range ends {
		for ends[i].at.Sub(ends[first].at) >= within {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}

// wantPace checks that the sessions ended at the rate, from the first one on: no more in a second, and no burst.
// The loops end sessions every 10 ms, and the clients notice an end a little later.
func wantPace(t *testing.T, ends []ending, rate int) {
	t.Helper()
	for _, within := range []time.Duration{time.Second, 200 * time.Millisecond} {
		allowed := int(float64(rate)*within.Seconds()) + rate/20 + 2
		if got := most(ends, within); got > allowed {
			t.Errorf("%d sessions ended within %v, at a rate of %d a second", got, within, rate)
		}
	}
	took := ends[len(ends)-1].at.Sub(ends[0].at)
	if slowest := time.Duration(len(ends)) * time.Second / time.Duration(rate) * 3 / 2; took > slowest {
		t.Errorf("%d sessions ended within %v, at a rate of %d a second", len(ends), took, rate)
	}
}

// wantSpread checks that each part of the endings, in their order, has sessions of early and of late clients.
func (l *leavers) wantSpread(ends []ending) {
	l.t.Helper()
	const parts = 4
	for part := range slices.Chunk(ends, (len(ends)+parts-1)/parts) {
		var begun [parts]int
		for _, e := range part {
			begun[e.number*parts/l.n]++
		}
		if least := slices.Min(begun[:]); least < len(part)/(2*parts) {
			l.t.Errorf("of %d sessions that ended one after another, %v began in each quarter of the time", len(part), begun)
		}
	}
}

// all waits until all sessions have ended, and checks their pace and their order.
func (l *leavers) all(rate int) []ending {
	l.t.Helper()
	l.await(l.n)
	wantPace(l.t, l.ends, rate)
	l.wantSpread(l.ends)
	return l.ends
}

// wantReason checks that the access log and the error log have the reason of n endings.
func (s *site) wantReason(end, text string, n int) {
	s.t.Helper()
	program.Await(s.t, "the access log", func() bool { return strings.Count(s.Read(s.t, "access.log"), "\n") >= n })
	if got := strings.Count(s.Read(s.t, "access.log"), end+"\n"); got != n {
		s.t.Errorf("%d of %d sessions have the reason %s: %.200s", got, n, end, s.Read(s.t, "access.log"))
	}
	program.Await(s.t, text, func() bool { return s.lines(text) >= n })
}

// endingSite is a site that logs the reasons of endings, with a broker that stays and one that leaves.
type endingSite struct {
	*site
	stays, leaves string
}

func newEndingSite(t *testing.T) *endingSite {
	t.Helper()
	addrs := threeBrokers(t)
	s := &endingSite{newSite(t), addrs[0], addrs[1]}
	s.info = true
	return s
}

// servers returns a stream block with the servers of the group, the rate and more directives.
func (s *endingSite) servers(rate, servers string, more ...string) string {
	return fmt.Sprintf(`log_format end "$fleet_end"; access_log access.log end;
fleet_close_rate %s; proxy_session_drop on; %s
upstream u { zone u 64k; %s }
server { listen $ADDR backlog=4096; proxy_pass u; }`, rate, strings.Join(more, " "), servers)
}

func perSecond(rate int) string { return fmt.Sprintf("%d/s", rate) }

// leaver returns the servers of which all clients use the one that leaves.
func (s *endingSite) leaver(parameters string) string {
	return fmt.Sprintf("server %s down; server %s %s;", s.stays, s.leaves, parameters)
}

// drain runs "weir drain" for the server that leaves, and returns what it prints.
func (s *endingSite) drain(options ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(weirBinary, append([]string{"drain", "-p", s.Dir, "-c", s.Path("nginx.conf"), "-e", "stderr", "u", s.leaves}, options...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		s.t.Errorf("%v: %s", err, out.String())
	}
	return out.String()
}

// wantProgress waits until the API reports the ending of n sessions, and checks its rate.
func (s *endingSite) wantProgress(reason string, n int) {
	s.t.Helper()
	program.Await(s.t, "progress", func() bool {
		var all []struct {
			Reason         string
			Sessions, Rate int
		}
		s.decode("/api/weir/endings", &all)
		for _, e := range all {
			if e.Reason == reason && e.Sessions > 0 && e.Sessions < n {
				if e.Rate != closeRate {
					s.t.Errorf("the API has a rate of %d", e.Rate)
				}
				return true
			}
		}
		return false
	})
}

const (
	removedText  = "upstream server removed from group"
	drainedText  = "upstream server is drained"
	shutdownText = "shutdown timeout"
)

// TestEndings ends the sessions of all clients in each way that an operator has.
func TestEndings(t *testing.T) {
	const timeout = "worker_shutdown_timeout 1s;"
	for _, c := range []struct {
		name      string
		main      string
		end, text string
		act       func(*endingSite)
		ends      bool // the process
	}{
		{name: "reload", end: "broker_removed", text: removedText, act: func(s *endingSite) {
			s.Reload(s.t, s.conf(s.servers(perSecond(closeRate), "server "+s.stays+";")))
		}},
		{name: "down", end: "broker_removed", text: removedText, act: func(s *endingSite) {
			s.Reload(s.t, s.conf(s.servers(perSecond(closeRate), s.leaver("down"))))
		}},
		{name: "API", end: "broker_removed", text: removedText, act: func(s *endingSite) {
			s.request("DELETE", "/api/9/stream/upstreams/u/servers/1", "")
		}},
		{name: "API down", end: "broker_removed", text: removedText, act: func(s *endingSite) {
			s.request("PATCH", "/api/9/stream/upstreams/u/servers/1", `{"down":true}`)
		}},
		{name: "drain", end: "broker_drained", text: drainedText, act: func(s *endingSite) {
			s.drain("--rate", "1000")
		}},
		{name: "API drain", end: "broker_drained", text: drainedText, act: func(s *endingSite) {
			s.request("PATCH", "/api/weir/upstreams/u/servers/1", `{"drain":true,"rate":1000}`)
		}},
		{name: "shutdown timeout", main: timeout, end: "shutdown", text: shutdownText, act: func(s *endingSite) {
			s.Reload(s.t, timeout+s.conf(s.servers(perSecond(closeRate), s.leaver(""))))
		}},
		{name: "QUIT", main: timeout, end: "shutdown", text: shutdownText, ends: true, act: func(s *endingSite) {
			s.Signal(s.t, syscall.SIGQUIT)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newEndingSite(t)
			s.Server = program.Start(t, weirBinary, s.Dir, c.main+s.conf(s.servers(perSecond(closeRate), s.leaver(""))))
			l := startLeavers(t, s.addr, scale(250, 1000))
			c.act(s)
			if c.ends {
				program.Await(t, "progress", func() bool { return s.lines("sessions of configuration generation 1 that are left: ") > 0 })
			} else {
				s.wantProgress(c.end, l.n)
			}
			ends := l.all(closeRate)
			figure(t, "ending by "+c.name, "%d sessions in %v, at most %d in a second and %d in 200 ms", l.n,
				ends[l.n-1].at.Sub(ends[0].at).Round(10*time.Millisecond), most(ends, time.Second), most(ends, 200*time.Millisecond))
			s.wantReason(c.end, c.text, l.n)
			if c.ends {
				program.Await(t, "the end of the process", s.HasEnded)
			}
		})
	}
}

// TestEndingsOfNames ends the sessions of an address that a name has no more.
func TestEndingsOfNames(t *testing.T) {
	t.Parallel()
	dns, err := peers.StartDNS(ports.Reserve(t).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	s := newEndingSite(t)
	_, port, _ := strings.Cut(s.leaves, ":")
	set := func(address string) {
		t.Helper()
		if err := dns.Set("brokers.test", "A", 1, address); err != nil {
			t.Fatal(err)
		}
	}
	host, _, _ := strings.Cut(s.leaves, ":")
	set(host)
	s.start(s.servers(perSecond(closeRate), "server brokers.test:"+port+" resolve;", "resolver "+dns.Addr()+" ipv6=off valid=1s;"))
	program.Await(t, "the address of the name", func() bool { return strings.Contains(s.request("GET", "/api/9/stream/upstreams/u", ""), s.leaves) })
	l := startLeavers(t, s.addr, scale(250, 1000))
	set("127.0.0.99")
	l.all(closeRate)
	s.wantReason("broker_removed", removedText, l.n)
}

// TestEndingsShareTheRate ends sessions for two reasons at the same time: those of a removed server and those of an
// old configuration.
func TestEndingsShareTheRate(t *testing.T) {
	t.Parallel()
	const timeout = "worker_shutdown_timeout 1s;"
	s := newEndingSite(t)
	other := ports.Reserve(t).String()
	withOther := func(servers string) string {
		return timeout + s.conf(s.servers(perSecond(closeRate), servers, fmt.Sprintf("server { listen %s backlog=4096; proxy_pass %s; }", other, s.stays)))
	}
	s.Server = program.Start(t, weirBinary, s.Dir, withOther(s.leaver("")))
	removed, old := startLeavers(t, s.addr, scale(150, 500)), startLeavers(t, other, scale(150, 500))
	s.Reload(t, withOther("server "+s.stays+";"))
	removed.await(removed.n)
	old.await(old.n)
	ends := append(slices.Clone(removed.ends), old.ends...)
	slices.SortFunc(ends, func(a, b ending) int { return a.at.Compare(b.at) })
	wantPace(t, ends, closeRate)
	for _, l := range []*leavers{removed, old} {
		l.wantSpread(l.ends)
	}
	if removed.ends[removed.n-1].at.Before(old.ends[0].at) || old.ends[old.n-1].at.Before(removed.ends[0].at) {
		t.Error("the second ending waits for the first")
	}
	s.wantReason("shutdown", shutdownText, old.n)
}

// TestReloadsDuringEnding reloads several times while sessions end: the rate stays, and all end.
func TestReloadsDuringEnding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, main, servers, end string }{
		{"removed", "", "", "broker_removed"},
		{"shutdown timeout", "worker_shutdown_timeout 1s;", "server LEAVES;", "shutdown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newEndingSite(t)
			s.Server = program.Start(t, weirBinary, s.Dir, c.main+s.conf(s.servers(perSecond(closeRate), s.leaver(""))))
			l := startLeavers(t, s.addr, scale(250, 1000))
			for i := range 10 {
				s.Reload(t, c.main+s.conf(s.servers(perSecond(closeRate), "server "+s.stays+"; "+strings.ReplaceAll(c.servers, "LEAVES", s.leaves))))
				l.await(10*i + 1)
			}
			s.wantReason(c.end, "", len(l.all(closeRate)))
		})
	}
}

// TestRateChangesDuringEnding changes the rate by a reload while sessions end.
func TestRateChangesDuringEnding(t *testing.T) {
	t.Parallel()
	const slow, fast = 40, 100
	for _, c := range []struct{ name, before, after string }{
		{"slower", perSecond(fast), perSecond(slow)},
		{"faster", perSecond(slow), perSecond(fast)},
		{"off", perSecond(slow), "off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newEndingSite(t)
			s.start(s.servers(c.before, s.leaver("")))
			l := startLeavers(t, s.addr, 200)
			s.request("DELETE", "/api/9/stream/upstreams/u/servers/1", "")
			const first = 60
			l.await(first)
			s.Reload(t, s.conf(s.servers(c.after, "server "+s.stays+";")))
			done := l.count() + 2
			changed := time.Now()
			l.await(l.n)
			var before, after, took = 0, 0, time.Since(changed)
			fmt.Sscan(c.before, &before)
			fmt.Sscan(c.after, &after)
			wantPace(t, l.ends[:first], before)
			if after == 0 && took > time.Second {
				t.Errorf("%d sessions ended within %v, without a rate", l.n-done, took)
			}
			if after > 0 {
				wantPace(t, l.ends[done:], after)
			}
			s.wantReason("broker_removed", removedText, l.n)
		})
	}
}

// TestRateDuringEndingWithoutOne sets a rate by a reload: before worker_shutdown_timeout has passed, and while
// sessions of a removed server end at their next event.
func TestRateDuringEndingWithoutOne(t *testing.T) {
	t.Parallel()
	t.Run("shutdown timeout", func(t *testing.T) {
		t.Parallel()
		const timeout = "worker_shutdown_timeout 2s;"
		s := newEndingSite(t)
		s.Server = program.Start(t, weirBinary, s.Dir, timeout+s.conf(s.servers("off", s.leaver(""))))
		l := startLeavers(t, s.addr, scale(150, 500))
		s.Reload(t, timeout+s.conf(s.servers("off", s.leaver(""))))
		s.Reload(t, timeout+s.conf(s.servers(perSecond(closeRate), s.leaver(""))))
		l.all(closeRate)
		s.wantReason("shutdown", shutdownText, l.n)
	})
	t.Run("removed", func(t *testing.T) {
		t.Parallel()
		s := newEndingSite(t)
		s.start(s.servers("off", s.leaver("")))
		l := startLeavers(t, s.addr, scale(150, 500))
		s.request("DELETE", "/api/9/stream/upstreams/u/servers/1", "")
		s.Reload(t, s.conf(s.servers(perSecond(closeRate), "server "+s.stays+";")))
		l.all(closeRate)
		s.wantReason("broker_removed", removedText, l.n)
	})
}

// TestDrainAgain drains a server that is drained with another rate, and puts it into use again.
func TestDrainAgain(t *testing.T) {
	t.Parallel()
	s := newEndingSite(t)
	s.start(s.servers("off", s.leaver("")))
	l := startLeavers(t, s.addr, 200)
	s.drain("--rate", "20")
	l.await(10)
	wantPace(t, l.ends[:10], 20)
	s.drain("--rate", "50")
	second := l.count() + 2
	l.await(second + 50)
	wantPace(t, l.ends[second:second+50], 50)
	s.request("PATCH", "/api/9/stream/upstreams/u/servers/1", `{"drain":false}`)
	kept := l.n - l.count()
	s.drain()
	if want := fmt.Sprintf("sessions: %d\n", kept); !strings.HasSuffix(s.drain(), want) {
		t.Errorf("got %q, want %q", s.drain(), want)
	}
	s.wantReason("broker_drained", drainedText, l.count())
}
