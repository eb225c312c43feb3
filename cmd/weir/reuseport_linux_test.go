package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"weir/conformance/ports"
	"weir/internal/testwait"
)

// wantSockets waits until n sockets listen on addr, as listed by the kernel, and checks that connections
// to all of them are served.
func (s *site) wantSockets(addr string, n int) {
	s.t.Helper()
	entry := fmt.Appendf(nil, ": 0100007F:%04X 00000000:0000 0A ", netip.MustParseAddrPort(addr).Port())
	testwait.Eventually(s.t, strconv.Itoa(n)+" sockets", func() bool {
		table, err := os.ReadFile("/proc/net/tcp")
		return err == nil && bytes.Count(table, entry) == n
	})
	for range 24 {
		s.dial(addr)
	}
}

func TestReusePortGivesEachLoopASocket(t *testing.T) {
	s := newSite(t)
	shared := ports.Reserve(t).String()
	s.configure("worker_processes 3;", shared+" reuseport")
	p := s.front()
	p.wantSockets(shared, 3)
	old := p.dial(shared)
	for i, listen := range []string{shared + " reuseport", shared, shared + " reuseport"} {
		want := 3
		if listen == shared {
			want = 1
		}
		p.configure("worker_processes 3;", listen)
		p.control("reload")
		p.wantLine(fmt.Sprintf(`\[notice\] PID: configuration generation %d serves after .*`, i+2))
		p.wantSockets(shared, want)
		p.ping(old)
	}
}
