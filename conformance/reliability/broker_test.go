package reliability

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"weir/conformance/peers"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// brokerVariable has the address on which this program serves as a broker instead of running tests.
const brokerVariable = "WEIR_TEST_BROKER"

// serveBroker serves until the process is killed.
func serveBroker(addr string) {
	var fleet peers.Fleet
	if _, err := peers.Start("broker", addr, fleet.Broker(addr)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// A broker is a process that can be killed and stopped.
type broker struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd   // nil while it does not run
	full *peers.Full // in its place
}

// startBrokers starts n brokers, which are killed at the end of the test.
func startBrokers(t *testing.T, n int) []*broker {
	t.Helper()
	all := make([]*broker, n)
	for i := range all {
		all[i] = &broker{t: t, addr: ports.Reserve(t).String()}
		all[i].start()
		t.Cleanup(all[i].kill)
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
