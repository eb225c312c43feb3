package reliability

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/conformance/peers"
	"weir/conformance/program"
)

// A namespace is a network of its own, with a loopback interface and few source ports.
type namespace struct {
	t    *testing.T
	name string
	next int // source port of the next client, outside of the range
}

// sourcePorts is the number of source ports of the namespace for each destination.
const sourcePorts = 10

// newNamespace makes the namespace.
func newNamespace(t *testing.T, name string) *namespace {
	t.Helper()
	if os.Getuid() != 0 {
		installed.Missing(t, "network namespaces need root")
	}
	n := &namespace{t: t, name: fmt.Sprintf("weir-%s-%d", name, os.Getpid()), next: 40000}
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		installed.Missing(t, fmt.Sprintf("ip netns add: %v: %s", err, out))
	}
	t.Cleanup(func() { n.ip("netns", "del", n.name) })
	n.ip("-n", n.name, "link", "set", "lo", "up")
	if err := n.inside(func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", fmt.Appendf(nil, "30000 %d", 30000+sourcePorts-1), 0)
	}); err != nil {
		installed.Missing(t, fmt.Sprintf("the range of source ports cannot be set: %v", err))
	}
	return n
}

func (n *namespace) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Errorf("ip %v: %v: %s", args, err, out)
	}
}

// inside runs f in the namespace: sockets that f opens belong to it.
func (n *namespace) inside(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		ns, err := os.Open("/run/netns/" + n.name)
		if err != nil {
			done <- err
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

// The addresses in the namespace.
const (
	crampedAddr = "127.0.0.1:1883"
	brokerA     = "127.0.0.1:2001"
	brokerB     = "127.0.0.1:2002"
)

// brokers starts both brokers.
func (n *namespace) brokers() {
	n.t.Helper()
	var all peers.Fleet
	for _, addr := range []string{brokerA, brokerB} {
		if err := n.inside(func() error {
			p, err := peers.Start(addr, addr, all.Broker(addr))
			if err == nil {
				n.t.Cleanup(p.Close)
			}
			return err
		}); err != nil {
			n.t.Fatal(err)
		}
	}
}

// connect opens a session from a port outside of the range.
func (n *namespace) connect() (c *client, err error) {
	n.next++
	from := &net.Dialer{Timeout: program.Patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: n.next}}
	err = n.inside(func() error {
		c, err = connectFrom(from, crampedAddr, fmt.Sprint(n.next), "", program.Patience)
		return err
	})
	return c, err
}

// crampedRest is fail_timeout of the brokers.
const crampedRest = 2 * time.Second

// crampedConf returns the configuration for weir and nginx.
func crampedConf(load string) string {
	return load + fmt.Sprintf(`worker_processes 1; pid pid; error_log error.log notice;
events { worker_connections 1000; }
stream {
log_format tries "$status $upstream_addr";
access_log access.log tries;
proxy_connect_timeout 1s;
upstream brokers {
server %[1]s fail_timeout=%[3]ds;
server %[2]s fail_timeout=%[3]ds;
}
server { listen %[4]s; proxy_pass brokers; }
}
`, brokerA, brokerB, int(crampedRest.Seconds()), crampedAddr)
}

// crampedResult has the counts of a program without source ports.
type crampedResult struct {
	messages map[string]int // lines at the level crit about connects to each broker
	resting  int            // lines about brokers that are taken out of use
	tries    string         // status and brokers of the last client without a source port
	resumes  time.Duration  // from the end of all sessions until a client is served
}

// TestSourcePortsRunOut uses all source ports of a network namespace, with weir and with nginx. Both log
// the failed connects and try the next broker. With weir, open sessions continue, a client waits until
// there is a port, the brokers remain in use, and clients are served again at once when ports are free.
func TestSourcePortsRunOut(t *testing.T) {
	b := installed.Nginx(t)
	results := map[string]crampedResult{}
	for _, sub := range []subject{{"weir", weirBinary, ""}, {"nginx", b.Path, b.Load(nginx.Stream)}} {
		n := newNamespace(t, sub.name)
		n.brokers()
		s := program.StartUnder(t, []string{"ip", "netns", "exec", n.name}, sub.path, t.TempDir(), crampedConf(sub.load))
		r := n.exhaust(s, sub.name == "weir")
		results[sub.name] = r
		figure(t, "source ports", "%s: without a port: %q; %d lines about connects, %d about brokers out of use; served %v after ports were free",
			sub.name, r.tries, r.messages[brokerA]+r.messages[brokerB], r.resting, r.resumes.Round(time.Millisecond))
	}
	for name, r := range results {
		if r.messages[brokerA] == 0 || r.messages[brokerB] == 0 {
			t.Errorf("%s logs the connects %v, want both brokers", name, r.messages)
		}
	}
	weirs := results["weir"]
	if weirs.resting != 0 {
		t.Errorf("weir takes brokers out of use %d times", weirs.resting)
	}
	if !strings.HasPrefix(weirs.tries, results["nginx"].tries) { // and then the brokers of the last attempts
		t.Errorf("weir logs the session %q, nginx %q", weirs.tries, results["nginx"].tries)
	}
	if weirs.resumes > crampedRest/2 {
		t.Errorf("the service returns after %v", weirs.resumes)
	}
}

// exhaust opens as many sessions as there are ports, and one more. With waits, it lets a client wait for
// the end of another session.
func (n *namespace) exhaust(s *program.Server, waits bool) crampedResult {
	t := n.t
	t.Helper()
	var open []*client
	for i := range 2 * sourcePorts {
		c, err := n.connect()
		if err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		defer c.Close()
		open = append(open, c)
	}
	if c, err := n.connect(); err == nil {
		c.Close()
		t.Fatal("a client was served without a source port")
	}
	r := crampedResult{messages: map[string]int{}}
	for _, addr := range []string{brokerA, brokerB} {
		r.messages[addr] = crampedLines(s.Read(t, "error.log"), addr)
	}
	program.Await(t, "the line in the access log", func() bool { return s.Read(t, "access.log") != "" })
	r.tries = strings.TrimSpace(s.Read(t, "access.log"))
	for _, c := range open {
		if err := c.ping(); err != nil {
			t.Errorf("an open session: %v", err)
		}
	}
	if waits {
		open[0] = n.wait(s, open[0])
	}
	for _, c := range open {
		if err := c.leave(); err != nil {
			t.Error(err)
		}
	}
	free := time.Now()
	program.Await(t, "the service", func() bool {
		c, err := n.connect()
		return err == nil && c.leave() == nil
	})
	r.resumes = time.Since(free)
	r.resting = strings.Count(s.Read(t, "error.log"), "temporarily disabled")
	return r
}

// wait lets one session end while another client waits for its port, and returns the session of the latter.
func (n *namespace) wait(s *program.Server, leaves *client) *client {
	n.t.Helper()
	failed := crampedLines(s.Read(n.t, "error.log"), "")
	var c *client
	served := make(chan error, 1)
	go func() {
		var err error
		c, err = n.connect()
		served <- err
	}()
	program.Await(n.t, "another failed connect", func() bool { return crampedLines(s.Read(n.t, "error.log"), "") > failed })
	if err := errors.Join(leaves.leave(), <-served); err != nil {
		n.t.Fatalf("the client that waited: %v", err)
	}
	return c
}

// crampedLines returns how many lines of a log are about a connect to addr without a source port.
func crampedLines(log, addr string) (n int) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, " [crit] ") && strings.Contains(line, "connect() to "+addr) &&
			strings.Contains(line, " failed (99: Cannot assign requested address) while connecting to upstream, client: ") {
			n++
		}
	}
	return n
}
