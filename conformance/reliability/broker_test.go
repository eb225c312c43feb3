package reliability

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"weir/conformance/peers"
	"weir/conformance/ports"
	"weir/conformance/program"
)

const (
	// brokerVariable has the address on which this program serves as a broker instead of running tests.
	brokerVariable = "WEIR_TEST_BROKER"
	// roughVariable is set if each second connection to the broker is a roughConn that is reset at times.
	roughVariable = "WEIR_TEST_ROUGH_BROKER"
	// roughResets is the part of the writes that reset such a connection.
	roughResets = 10
)

// serveBroker serves until the process is killed.
func serveBroker(addr string) {
	var fleet peers.Fleet
	serve := fleet.Broker(addr)
	if os.Getenv(roughVariable) != "" {
		smooth := serve
		serve = func(c *peers.Conn) {
			if random := rand.New(rand.NewPCG(rand.Uint64(), 0)); random.IntN(2) == 0 {
				c = &peers.Conn{Conn: newRough(c.Conn, random, roughResets)}
			}
			smooth(c)
		}
	}
	if _, err := peers.Start("broker", addr, serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// A broker is a process that can be killed and stopped.
type broker struct {
	t     *testing.T
	addr  string
	rough bool        // some of its connections are slow and reset at times
	cmd   *exec.Cmd   // nil while it does not run
	full  *peers.Full // in its place
}

// startBrokers starts n brokers, which are killed at the end of the test.
func startBrokers(t *testing.T, n int) []*broker {
	t.Helper()
	return startAll(t, reserve(t, n), false)
}

// startRoughBrokers starts n brokers, some connections of which are slow and reset at times.
func startRoughBrokers(t *testing.T, n int) []*broker {
	t.Helper()
	return startAll(t, reserve(t, n), true)
}

// reserve returns n addresses.
func reserve(t *testing.T, n int) []string {
	t.Helper()
	all := make([]string, n)
	for i := range all {
		all[i] = ports.Reserve(t).String()
	}
	return all
}

func startAll(t *testing.T, addrs []string, rough bool) []*broker {
	t.Helper()
	var all []*broker
	for _, addr := range addrs {
		b := &broker{t: t, addr: addr, rough: rough}
		b.start()
		t.Cleanup(b.kill)
		all = append(all, b)
	}
	return all
}

// start runs the broker and waits until it serves.
func (b *broker) start() {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd = exec.Command(self)
	b.cmd.Env = append(os.Environ(), brokerVariable+"="+b.addr)
	if b.rough {
		b.cmd.Env = append(b.cmd.Env, roughVariable+"=1")
	}
	b.cmd.Stderr = os.Stderr
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	program.Await(b.t, "the broker", func() bool { return accepts(b.addr) })
}

// kill ends the process at once: the kernel resets its sessions and refuses new ones.
func (b *broker) kill() {
	if b.cmd == nil {
		return
	}
	b.cmd.Process.Kill()
	b.cmd.Wait()
	b.cmd = nil
}

// signal stops the broker or lets it continue.
func (b *broker) signal(sig syscall.Signal) {
	b.t.Helper()
	if err := b.cmd.Process.Signal(sig); err != nil {
		b.t.Fatal(err)
	}
}

// accepts reports whether a program listens on addr.
func accepts(addr string) bool {
	c, err := dialer.Dial("tcp", addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// localBroker returns a broker that serves in this process.
func localBroker(t *testing.T, serve peers.Serve) *peers.Peer {
	t.Helper()
	p, err := peers.Start("broker", ports.Reserve(t).String(), serve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
