package reliability

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/program"
)

// balanced returns a stream block with a group of brokers, and a word that differs between versions.
func balanced(version int, addrs ...string) string {
	var b strings.Builder
	b.WriteString("mqtt_preread on;\nproxy_connect_timeout 5s;\nupstream brokers {\nzone brokers 256k;\nhash $mqtt_preread_clientid consistent;\n")
	for _, addr := range addrs {
		fmt.Fprintf(&b, "server %s;\n", addr)
	}
	fmt.Fprintf(&b, "}\nmap $remote_addr $version { default %d; }\n", version)
	b.WriteString("server { listen $ADDR backlog=4096; status_zone mqtt; proxy_pass brokers; }\n")
	return b.String()
}

// threeBrokers returns the addresses of brokers in this process.
func threeBrokers(t *testing.T) []string {
	t.Helper()
	var all peers.Fleet
	var addrs []string
	for _, name := range names("broker", 3) {
		addrs = append(addrs, localBroker(t, all.Broker(name)).Addr())
	}
	return addrs
}

// TestReloadsDropNothing reloads by SIGHUP and by changes of the file while sessions exchange messages
// and clients connect.
func TestReloadsDropNothing(t *testing.T) {
	reloads, sessions, rate := scale(100, 1000), scale(300, 5000), scale(50, 100)
	addrs := threeBrokers(t)
	s := newSite(t)
	s.start(balanced(0, addrs...), "-watch")
	f := startFleet(t, s.addr, names("meter", sessions))
	v := startVisitors(t, &visitors{addr: s.addr, ids: names("visitor", 100), rate: rate})
	s.reloads(reloads/10, addrs) // memory of a process grows at first
	f.round()
	before, began := s.usage(), time.Now()
	s.reloads(reloads, addrs)
	took := time.Since(began)
	f.round()
	visits := v.wantServed(t)
	after := s.awaitUsage(before)
	figure(t, "reloads", "%d reloads in %v with %d sessions and %d new ones; before: %v; after: %v",
		reloads, took.Round(time.Millisecond), sessions, visits, before, after)
	if after.memory > before.memory*5/4 {
		t.Errorf("memory has grown from %d to %d KiB", before.memory>>10, after.memory>>10)
	}
	f.halt()
	program.Await(t, "the end of old sessions", func() bool { return s.metric("weir_old_sessions") == 0 })
	s.Quit(t)
}

// reloads makes n reloads, of which each tenth is caused by a change of the file alone.
func (s *site) reloads(n int, addrs []string) {
	s.t.Helper()
	for i := range n {
		if s.t.Failed() {
			return
		}
		version, before := s.Starts(s.t), s.Starts(s.t)
		if i%10 == 0 {
			s.replace("nginx.conf", s.conf(balanced(version, addrs...)))
		} else {
			s.Signal(s.t, syscall.SIGHUP)
		}
		program.Await(s.t, "the reload", func() bool { return s.Starts(s.t) > before })
	}
}

// reload makes a reload by SIGHUP and waits until it is active.
func (s *site) reload() {
	s.t.Helper()
	before := s.Starts(s.t)
	s.Signal(s.t, syscall.SIGHUP)
	program.Await(s.t, "the reload", func() bool { return s.Starts(s.t) > before })
}

// TestBrokenFilesChangeNothing writes files that are wrong while sessions exchange messages and clients
// connect. Each has one line in the log.
func TestBrokenFilesChangeNothing(t *testing.T) {
	files, sessions, rate := 200, scale(100, 2000), scale(50, 100)
	addrs := threeBrokers(t)
	s := newSite(t)
	s.start(balanced(0, addrs...))
	f := startFleet(t, s.addr, names("meter", sessions))
	v := startVisitors(t, &visitors{addr: s.addr, ids: names("visitor", 100), rate: rate})
	f.round()
	before := s.usage()
	for i := range files {
		s.Configure(t, s.conf(broken(i, balanced(0, addrs...))))
		s.Signal(t, syscall.SIGHUP)
		program.Await(t, "the message", func() bool { return s.lines("[emerg]") > i })
	}
	f.round()
	visits := v.wantServed(t)
	s.awaitUsage(before)
	if n, starts := s.lines("[emerg]"), s.Starts(t); n != files || starts != 1 {
		t.Errorf("%d messages and %d configurations, want %d and 1", n, starts, files)
	}
	figure(t, "broken files", "%d with %d sessions and %d new ones, one line each", files, sessions, visits)
	f.halt()
	s.Quit(t)
}

// broken returns a stream block with an error, of a different kind for different n.
func broken(n int, body string) string {
	errors := []string{
		fmt.Sprintf("unknown_%d on;", n),
		"proxy_timeout soon;",
		"server { listen 1883x; return 1; }",
		"server { listen 127.0.0.1:1; proxy_pass nowhere_group; } upstream nowhere_group { }",
		"server {",
		"}",
		"mqtt_preread on;",
		"log_format x '$unknown'; access_log a.log x;",
		"server { listen 127.0.0.1:1; ssl_certificate missing.pem; ssl_certificate_key missing.key; return 1; }",
		"include missing.conf;",
	}
	return body + errors[n%len(errors)]
}
