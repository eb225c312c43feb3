package handshakes

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/ports"
	"weir/conformance/program"
)

const (
	fewAssaults  = 2000
	manyAssaults = 100000
	// assailants is how many hostile clients are connected at a time.
	assailants = 16
)

// hostileConf has one server.
func hostileConf(t *testing.T, dir, addr string) string {
	t.Helper()
	ca := newAuthority(t, dir, "ca")
	server := pair(t)(ca.Server("a.example.com"))
	return fmt.Sprintf(`ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate %s; ssl_certificate_key %s;
ssl_verify_client optional; ssl_client_certificate %s;
ssl_alpn mqtt; ssl_handshake_timeout 20s;
log_format status $status; access_log access.log status;
server { listen %s ssl backlog=4096; return served; }`, server.Cert, server.Key, ca.Path, addr)
}

// TestHostileHellos sends changed ClientHellos. Each has one line in the log, and weir then serves
// clients and uses no more descriptors and little more memory than before.
func TestHostileHellos(t *testing.T) {
	dir, addr := t.TempDir(), ports.Reserve(t).String()
	w := startWeir(t, dir, hostileConf(t, dir, addr)+fmt.Sprintf("\nserver { listen %s ssl; server_name a.example.com; return served; }", addr))
	n := fewAssaults
	if soak() {
		n = manyAssaults
	}
	all := assaults(n)
	attack(t, addr, all[:n/2]) // memory of a process grows at first
	descriptors, memory := w.Settled(t, 0), w.Memory(t)
	attack(t, addr, all[n/2:])
	if text, _, err := visit(addr, &tls.Config{InsecureSkipVerify: true, ServerName: "a.example.com"}); text != "served" {
		t.Errorf("after the attack: got %q and %v", text, err)
	}
	w.Settled(t, descriptors)
	grown := w.Memory(t) - memory
	t.Logf("%d hostile clients; descriptors: %d; memory: %d KiB, grown by %d KiB", n, descriptors, memory>>10, grown>>10)
	if grown > 32<<20 {
		t.Errorf("memory has grown by %d KiB", grown>>10)
	}
	w.Quit(t)
	logged := failures(t, w)
	judgeLines(t, logged, n)
}

// attack runs hostile clients, and returns the ports that they come from.
func attack(t *testing.T, addr string, all []assault) []string {
	t.Helper()
	from := make([]string, len(all))
	next := make(chan int)
	var running sync.WaitGroup
	for range assailants {
		running.Go(func() {
			for i := range next {
				var err error
				if from[i], err = all[i].run(addr); err != nil {
					t.Errorf("hostile client %d: %v", i, err)
				}
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	running.Wait()
	return from
}

// run sends the message, and reads until weir ends the connection. It returns the client's port.
func (a assault) run(addr string) (port string, err error) {
	c, err := dialer.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_, port, _ = net.SplitHostPort(c.LocalAddr().String())
	conn := c.(*net.TCPConn)
	if err := conn.SetDeadline(time.Now().Add(program.Patience)); err != nil {
		return "", err
	}
	a.send(conn)
	if a.reset {
		return port, conn.SetLinger(0)
	}
	_ = conn.CloseWrite()
	_, err = io.Copy(io.Discard, conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return port, errors.New("weir does not end the connection")
	}
	return port, nil
}

// send writes the message, unless weir ends the connection before.
func (a assault) send(c net.Conn) {
	size := len(a.bytes)
	if a.slow {
		size = 1
	}
	for part := range slices.Chunk(a.bytes, max(size, 1)) {
		if _, err := c.Write(part); errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			return
		}
	}
}

// A failure is the line about a hostile client.
type failure struct{ level, text string }

var (
	arrivedLine = regexp.MustCompile(`\[info\] \S+ \*(\d+) client 127\.0\.0\.1:(\d+) connected to `)
	sessionLine = regexp.MustCompile(`\[(\w+)\] \S+ \*(\d+) (.*), client: `)
)

// failures returns the lines of each session that has any, by its number, with the session's port.
func failures(t *testing.T, s *program.Server) map[string][]failure {
	t.Helper()
	all := map[string][]failure{}
	for line := range strings.Lines(s.Read(t, "error.log")) {
		if m := arrivedLine.FindStringSubmatch(line); m != nil {
			all[m[1]] = nil
			continue
		}
		if m := sessionLine.FindStringSubmatch(line); m != nil {
			all[m[2]] = append(all[m[2]], failure{m[1], m[3]})
		}
	}
	return all
}

// criticalText is the one error of these clients that nginx logs at the level crit, and weir too.
const criticalText = "SSL_do_handshake() failed (SSL: error:0A0000B6:SSL routines::not on record boundary) while SSL handshaking"

// judgeLines checks that all sessions but the last have one line, in the words of nginx.
func judgeLines(t *testing.T, logged map[string][]failure, n int) {
	t.Helper()
	silent, classes := 0, map[failure]int{}
	for session, lines := range logged {
		for _, f := range lines {
			classes[f]++
		}
		switch {
		case len(lines) == 0:
			silent++
		case len(lines) > 1:
			t.Errorf("session %s has %d lines: %v", session, len(lines), lines)
		}
	}
	if len(logged) != n+1 || silent != 1 {
		t.Errorf("%d sessions, %d of them without a line; want %d and 1", len(logged), silent, n+1)
	}
	for f := range classes {
		if f.level != "info" && f.text != criticalText || strings.Contains(f.text, "SSL: ") && !strings.Contains(f.text, "SSL: error:") {
			t.Errorf("unexpected line: [%s] %s", f.level, f.text)
		}
	}
	for _, f := range slices.SortedFunc(maps.Keys(classes), func(a, b failure) int { return classes[b] - classes[a] }) {
		t.Logf("%6d [%s] %s", classes[f], f.level, f.text)
	}
}
