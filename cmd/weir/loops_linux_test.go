package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/ports"
	"weir/internal/testwait"
)

// withLoops writes a configuration with that many loops: an address with and one without a socket for each loop, one for
// datagrams, and metrics.
func (s *site) withLoops(n int, reuse, metrics string) {
	s.t.Helper()
	write(s.t, s.path("nginx.conf"), fmt.Sprintf(`worker_processes %d; pid n.pid; error_log e.log notice;
events {}
stream { server { listen %s; listen %s reuseport; proxy_pass %s; } server { listen %s udp reuseport; return x; } }
http { access_log off; server { listen %s; location /metrics { prometheus; } } }
`, n, s.addr, reuse, s.echo, reuse, metrics))
}

// eventSets counts the epoll sets of the process; a loop has two.
func (p *served) eventSets() (n int) {
	p.t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, link := range links {
		if to, _ := os.Readlink(link); strings.Contains(to, "[eventpoll]") {
			n++
		}
	}
	return n
}

// metric returns a value of the process.
func (p *served) metric(addr, name string) int {
	p.t.Helper()
	client := http.Client{Timeout: testwait.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + addr + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	found := regexp.MustCompile(`(?m)^` + name + ` (\d+)$`).FindSubmatch(text)
	if found == nil {
		p.t.Fatalf("no %s in %s", name, text)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// TestReloadsChangeTheLoops alternates the number of loops while sessions ping and others come and go: none is dropped and
// none refused, and afterwards the process is as it was.
func TestReloadsChangeTheLoops(t *testing.T) {
	s := newSite(t)
	reuse, metrics := ports.Reserve(t).String(), ports.Reserve(t).String()
	s.withLoops(1, reuse, metrics)
	p := s.front()
	datagrams := func() {
		c, err := net.Dial("udp", reuse)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s.ping(c)
	}
	generation := 1
	change := func(n int) {
		s.withLoops(n, reuse, metrics)
		p.send(syscall.SIGHUP)
		generation++
		s.wantLine(fmt.Sprintf(`\[notice\] PID: configuration generation %d serves .*`, generation))
		if got := p.metric(metrics, "weir_loops"); got != n {
			t.Errorf("got %d loops, want %d", got, n)
		}
		datagrams()
	}
	change(4) // the Go runtime keeps goroutines for the processors that it has used
	change(1)
	testwait.Eventually(t, "idle loops end", func() bool { return p.eventSets() == 4 }) // one is that of the Go runtime
	sets, goroutines := p.eventSets(), p.metric(metrics, "go_goroutines")

	var held []net.Conn
	hold := func() {
		for range 10 {
			held = append(held, s.dial(s.addr), s.dial(reuse))
		}
	}
	hold()
	change(4)
	hold()
	loads := []*load{startLoad(s.addr), startLoad(reuse)}
	stop := make(chan struct{})
	var pings sync.WaitGroup
	pings.Go(func() {
		for {
			for _, c := range held {
				select {
				case <-stop:
					return
				default:
					s.ping(c)
				}
			}
		}
	})
	for range 5 {
		for _, n := range []int{2, 1, 4, 1} {
			change(n)
		}
	}
	close(stop)
	pings.Wait()
	for _, l := range loads {
		l.wantNoFailure(t)
	}
	if got := p.eventSets(); got <= sets {
		t.Errorf("got %d epoll sets, want those of loops with sessions beside %d", got, sets)
	}
	for _, c := range held {
		s.ping(c)
		c.Close()
	}
	testwait.Eventually(t, "the surplus loops end", func() bool { return p.eventSets() == sets })
	testwait.Eventually(t, "goroutines as before", func() bool { return p.metric(metrics, "go_goroutines") <= goroutines })
	if strings.Contains(s.log(), "[alert]") {
		t.Error(s.log())
	}
}

// TestDatagramsOfAReload checks that sessions of datagrams get their answers after a reload that adds loops and sockets, and
// after one that removes loops.
func TestDatagramsOfAReload(t *testing.T) {
	s := newSite(t)
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.SetDeadline(time.Now().Add(testwait.Patience))
	conf := func(loops int) {
		write(t, s.path("nginx.conf"), fmt.Sprintf("worker_processes %d; pid n.pid; error_log e.log notice; events {}\n"+
			"stream { server { listen %s udp reuseport; proxy_pass %s; } }\n", loops, s.addr, server.LocalAddr()))
	}
	conf(2)
	p := s.front()
	for i, loops := range []int{4, 1} {
		var clients []net.Conn
		var sessions []net.Addr
		for range 8 {
			c, err := net.Dial("udp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(testwait.Patience))
			c.Write([]byte("a"))
			_, from, err := server.ReadFrom(make([]byte, 1))
			if err != nil {
				t.Fatal(err)
			}
			clients, sessions = append(clients, c), append(sessions, from)
		}
		conf(loops)
		p.send(syscall.SIGHUP)
		s.wantLine(fmt.Sprintf(`\[notice\] PID: configuration generation %d serves .*`, i+2))
		for i, c := range clients {
			server.WriteTo([]byte("b"), sessions[i])
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Errorf("%d loops: no answer: %v", loops, err)
			}
		}
	}
}
