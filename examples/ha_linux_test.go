package examples_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/conformance/installed"
)

// The addresses of the network of the example ha. Each weir has a link to the router, where the brokers
// and the clients are.
const (
	haAddress = "192.0.2.1" // of the service
	haRouterA = "198.51.100.1"
	haWeirA   = "198.51.100.2"
	haRouterB = "198.51.100.5"
	haWeirB   = "198.51.100.6"
)

// An haNetwork is three network namespaces: of the router, and of two weirs.
type haNetwork struct {
	t                *testing.T
	router           string
	weirs, addresses [2]string
}

// newNetwork makes the network. If that is not possible here, it calls installed.Missing.
func newNetwork(t *testing.T) *haNetwork {
	t.Helper()
	if os.Getuid() != 0 {
		installed.Missing(t, "only root can make network namespaces")
	}
	installed.Program(t, "ip", "iproute2")
	suffix := fmt.Sprint(os.Getpid())
	n := &haNetwork{t: t, router: "wr" + suffix, weirs: [2]string{"wa" + suffix, "wb" + suffix}, addresses: [2]string{haWeirA, haWeirB}}
	for _, name := range []string{n.router, n.weirs[0], n.weirs[1]} {
		if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
			installed.Missing(t, fmt.Sprintf("ip netns add: %v: %s", err, out))
		}
		t.Cleanup(func() { n.ip("netns", "del", name) })
		n.ip("-n", name, "link", "set", "lo", "up")
	}
	for i, router := range []string{haRouterA, haRouterB} {
		link := fmt.Sprintf("weir%d", i)
		n.ip("link", "add", link, "netns", n.router, "type", "veth", "peer", "name", "eth0", "netns", n.weirs[i])
		n.ip("-n", n.router, "addr", "add", router+"/30", "dev", link)
		n.ip("-n", n.router, "link", "set", link, "up")
		n.ip("-n", n.weirs[i], "addr", "add", n.addresses[i]+"/30", "dev", "eth0")
		n.ip("-n", n.weirs[i], "link", "set", "eth0", "up")
		n.ip("-n", n.weirs[i], "route", "add", "default", "via", router)
		n.ip("-n", n.weirs[i], "addr", "add", haAddress+"/32", "dev", "lo")
	}
	n.needResilientGroups()
	for i := range 3 {
		n.ip("-n", n.router, "addr", "add", fmt.Sprintf("192.0.2.%d/32", 11+i), "dev", "lo")
	}
	return n
}

// needResilientGroups calls installed.Missing if the kernel or ip does not have what the script uses.
func (n *haNetwork) needResilientGroups() {
	n.t.Helper()
	for _, args := range []string{
		"nexthop add id 900 via " + haWeirA + " dev weir0", "nexthop add id 901 group 900 type resilient buckets 8", "nexthop del id 900",
	} {
		if out, err := exec.Command("ip", append([]string{"-n", n.router}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
			installed.Missing(n.t, fmt.Sprintf("ip %s: %v: %s", args, err, out))
		}
	}
}

func (n *haNetwork) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Errorf("ip %v: %v: %s", args, err, out)
	}
}

// atRouter runs f in the namespace of the router: sockets that f opens belong to it.
func (n *haNetwork) atRouter(f func()) {
	n.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		n.t.Fatal(err)
	}
	defer own.Close()
	routers, err := os.Open("/run/netns/" + n.router)
	if err != nil {
		n.t.Fatal(err)
	}
	defer routers.Close()
	if err := unix.Setns(int(routers.Fd()), unix.CLONE_NEWNET); err != nil {
		n.t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err) // the thread cannot be used any more
		}
	}()
	f()
}

// dial connects from the router.
func (n *haNetwork) dial(host, port string) (c net.Conn, err error) {
	n.t.Helper()
	n.atRouter(func() { c, err = (&net.Dialer{Timeout: time.Second}).Dial("tcp", net.JoinHostPort(host, port)) })
	return c, err
}

// startRoute runs the example's script at the router.
func (n *haNetwork) startRoute() {
	n.t.Helper()
	var out lockedBuffer
	cmd := exec.Command("ip", "netns", "exec", n.router, filepath.Join("ha", "route.sh"), haAddress, haWeirA, haWeirB)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts other programs
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		if n.t.Failed() {
			n.t.Logf("route.sh: %s", out.String())
		}
	})
}

// A lockedBuffer is a buffer for the output of a program.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serves reports whether the service at an address accepts a client.
func (n *haNetwork) serves(host, id string) bool {
	n.t.Helper()
	c, err := n.dial(host, "1883")
	if err != nil {
		return false
	}
	defer c.Close()
	return tryGreet(c, id) == nil
}

// enough is the number of connections in a row after which the service counts as available: with two
// weirs, one of which fails, so many do not all reach the other.
const enough = 30

// awaitService waits until connections in a row are accepted, and returns when the first of them began.
func (n *haNetwork) awaitService() time.Time {
	n.t.Helper()
	var since time.Time
	for row, end := 0, time.Now().Add(patience); row < enough; row++ {
		began := time.Now()
		if began.After(end) {
			n.t.Fatal("the service does not return")
		}
		if row == 0 {
			since = began
		}
		if !n.serves(haAddress, "probe") {
			row = -1
		}
	}
	return since
}

// TestHA runs two weirs at one address in network namespaces, with the script of the example as the
// router. A client reaches the same broker through either. The service returns when one is killed, and
// sessions of the other remain, also when the first starts again.
func TestHA(t *testing.T) {
	n := newNetwork(t)
	var brokers []*broker
	n.atRouter(func() { brokers = startBrokers(t, brokerOptions{count: 3, fixed: true}) })
	var weirs [2]*running
	for i := range weirs {
		weirs[i] = n.startWeir(t, i)
	}
	for i := range 20 {
		id := fmt.Sprintf("pump-%d", i)
		for _, host := range n.addresses {
			c, err := n.dial(host, "1883")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			greet(t, c, id)
		}
		if homes := brokersOf(id, brokers); len(homes) != 1 {
			t.Errorf("%s met %d brokers through two weirs, want 1", id, len(homes))
		}
	}
	n.startRoute()
	n.awaitService()
	session := n.sessionThrough(haWeirB, brokers)

	killed := time.Now()
	weirs[0].cmd.Process.Kill()
	<-weirs[0].done
	t.Logf("kill -9: the service returns after %v", n.awaitService().Sub(killed).Round(time.Millisecond))
	ping(t, session)
	n.startWeir(t, 0)
	n.awaitService()
	ping(t, session)
}

// startWeir runs a weir with the example and waits until it answers.
func (n *haNetwork) startWeir(t *testing.T, i int) *running {
	t.Helper()
	e := example(t, "ha")
	e.launch([]string{"ip", "netns", "exec", n.weirs[i]})
	e.await("weir to listen", func() bool { return n.serves(n.addresses[i], "first") })
	return e
}

// sessionThrough opens a session at the address of the service that one weir serves: the brokers see
// its address.
func (n *haNetwork) sessionThrough(weir string, brokers []*broker) net.Conn {
	n.t.Helper()
	for i, end := 0, time.Now().Add(patience); time.Now().Before(end); i++ {
		c, err := n.dial(haAddress, "1883")
		if err != nil {
			continue
		}
		id := fmt.Sprintf("stays-%d", i)
		greet(n.t, c, id)
		host, _, _ := net.SplitHostPort(brokersOf(id, brokers)[0].seen(id))
		if host == weir {
			n.t.Cleanup(func() { c.Close() })
			return c
		}
		c.Close()
	}
	n.t.Fatal("no session reaches the weir")
	return nil
}

// ping checks that a session works.
func ping(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte{0xc0, 0}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2)
	if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 0xd0 {
		t.Fatalf("got % x and %v, want PINGRESP", answer, err)
	}
}
