package drivertest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"weir/internal/testwait"
	"weir/stream"
)

var listenerTests = []driverTest{
	{"address without a configuration", admitNothing},
	{"lease is released", leaseReleased},
	{"several descriptors", severalDescriptors},
	{"forget, then listen again", forgetAndReuse},
	{"close ends sessions", closeEndsSessions},
	{"no listening after close", listenClosed},
	{"out of descriptors", outOfDescriptors},
}

func admitNothing(r *rig) {
	f := r.bind("tcp", r.server(&Reply{Text: []byte("hello")}))
	var admitted atomic.Bool
	f.listener.Admit = func() (*stream.Listen, stream.Lease) {
		if admitted.Load() {
			return f.listen, nil
		}
		return nil, nil
	}
	must(r, r.driver.Listen(f.listener))
	must(r, expectEnd(f.dial()))
	admitted.Store(true)
	expect(r, f.dial(), "hello")
}

// countingLease is a lease that counts its releases.
type countingLease struct{ n atomic.Int32 }

// Release counts a release.
func (l *countingLease) Release() { l.n.Add(1) }

func leaseReleased(r *rig) {
	f := r.bind("tcp", r.server(&Reply{Text: []byte("hello")}))
	lease := &countingLease{}
	f.listener.Admit = func() (*stream.Listen, stream.Lease) { return f.listen, lease }
	must(r, r.driver.Listen(f.listener))
	for range 3 {
		expect(r, f.dial(), "hello")
	}
	testwait.Eventually(r, "three leases are released", func() bool { return lease.n.Load() == 3 })
}

func severalDescriptors(r *rig) {
	a := r.bind("tcp", r.server(&Reply{Text: []byte("hello")}))
	b := r.bind("tcp", a.listen.Default)
	a.listener.FDs = append(a.listener.FDs, b.listener.FDs...)
	must(r, r.driver.Listen(a.listener))
	expect(r, a.dial(), "hello")
	expect(r, b.dial(), "hello")
	r.driver.Forget(a.listener)
}

// forgetAndReuse continues with the same socket: a client that connects in between is not lost.
func forgetAndReuse(r *rig) {
	p := r.proxied(&Proxy{Spec: spec()})
	client, server := p.pair()
	r.driver.Forget(p.listener)
	r.driver.Forget(p.listener)
	waiting := p.dial()
	send(r, client, "ping")
	expect(r, server, "ping")
	next := &stream.Listener{FDs: p.listener.FDs, Admit: p.listener.Admit}
	p.listener.Admit = func() (*stream.Listen, stream.Lease) {
		r.Error("the forgotten listener was used")
		return nil, nil
	}
	must(r, r.driver.Listen(next))
	second := p.accept()
	send(r, waiting, "pong")
	expect(r, second, "pong")
}

func closeEndsSessions(r *rig) {
	p := r.proxied(&Proxy{Spec: spec()}, preread(atLeast(2)))
	client := p.dial()
	send(r, client, "hello")
	server := p.accept()
	expect(r, server, "hello")
	reading := p.dial()
	send(r, reading, "1")
	testwait.Eventually(r, "both are accepted", func() bool { return r.lines.Count("connected to") == 2 })
	must(r, r.driver.Close())
	for _, c := range []net.Conn{client, server, reading} {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			r.Errorf("got %v, want the end", err)
		}
	}
	if n := r.finished(); n != 0 {
		r.Errorf("%d sessions received an event", n)
	}
}

func listenClosed(r *rig) {
	f := r.bind("tcp", r.server(&Reply{}))
	must(r, r.driver.Close())
	if r.driver.Listen(f.listener) == nil {
		r.Error("a closed driver listens")
	}
	must(r, r.driver.Close())
}

// limitedProcess marks the child process that may use up its descriptors.
const limitedProcess = "WEIR_LIMITED_PROCESS"

// outOfDescriptors runs in a separate process.
func outOfDescriptors(r *rig) {
	if os.Getenv(limitedProcess) != "" {
		exhaustDescriptors(r)
		return
	}
	pattern := "^" + strings.ReplaceAll(strings.ReplaceAll(r.Name(), " ", "_"), "/", "$/^") + "$"
	cmd := exec.Command(os.Args[0], "-test.run="+pattern, "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), limitedProcess+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		r.Errorf("%v\n%s", err, out)
	}
}

// exhaustDescriptors connects a client while no descriptor is free. The driver must log as nginx
// does, must not retry in a busy loop, and must serve the client once a descriptor is free.
func exhaustDescriptors(r *rig) {
	f := r.listenOn("tcp", r.server(&Reply{Text: []byte("hello")}))
	expect(r, f.dial(), "hello")
	testwait.Eventually(r, "the first session has finished", func() bool { return r.finished() == 1 })
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(r, err)
	fillers := fillDescriptors(r)
	start := time.Now()
	must(r, syscall.Connect(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: f.addr.(*net.TCPAddr).Port}))
	const line = "[crit] accept4() failed (24: Too many open files)"
	testwait.Eventually(r, "the failure is logged three times", func() bool { return r.lines.Count(line) > 2 })
	if took := time.Since(start); took < 900*time.Millisecond {
		r.Errorf("logged three times in %v, want once each 500 ms at most", took)
	}
	for _, fd := range fillers {
		syscall.Close(fd)
	}
	testwait.Eventually(r, "the client is served", func() bool { return r.finished() == 2 })
	syscall.Close(fd)
}

// fillDescriptors lowers the descriptor limit and opens all descriptors that are left.
func fillDescriptors(r *rig) (fds []int) {
	r.Helper()
	must(r, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}))
	for {
		fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err == syscall.EMFILE {
			return fds
		}
		must(r, err)
		fds = append(fds, fd)
	}
}
