package drivertest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"weir/stream"
)

// inNetwork marks a test process with its own network namespace.
const inNetwork = "WEIR_TEST_NETWORK"

// Transparent checks that a driver connects from a non-local address if and only if the target
// requests it. The test runs again in a process with its own network namespace, which requires
// root; without root it checks that the session gets the failure.
func Transparent(t *testing.T, newDriver func(*stream.Env) stream.Driver) {
	t.Helper()
	warmUp(t)
	if os.Getenv(inNetwork) != "" {
		ownNetwork(t)
		transparentAddress(newRig(t, newDriver))
		nonLocalAddress(newRig(t, newDriver))
		return
	}
	if !mayBeTransparent(t) {
		notTransparent(newRig(t, newDriver))
		t.Skip("MISSING: CAP_NET_ADMIN: nothing is connected from a foreign address")
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v")
	again.Env = append(os.Environ(), inNetwork+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := again.CombinedOutput()
	switch {
	case err != nil && len(out) == 0:
		t.Skip("MISSING: a network of its own: ", err)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
}

// mayBeTransparent reports whether the kernel allows this process to have transparent sockets.
func mayBeTransparent(t *testing.T) bool {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	defer syscall.Close(fd)
	return syscall.SetsockoptInt(fd, syscall.SOL_IP, syscall.IP_TRANSPARENT, 1) == nil
}

// ownNetwork configures the loopback of this process's network namespace to receive packets for
// 192.0.2.0/24, without the addresses being local: only a transparent socket can be bound to them.
func ownNetwork(t *testing.T) {
	t.Helper()
	for _, line := range []string{
		"link set lo up", "rule add to 192.0.2.0/24 lookup 100", "route add local 192.0.2.0/24 dev lo table 100",
	} {
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
}

func transparentTarget() stream.Target {
	return stream.Target{Local: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.7:0")}, Transparent: true}
}

func transparentAddress(r *rig) {
	client, server := r.proxied(&Proxy{Spec: spec(), Target: transparentTarget()}).pair()
	if got := server.RemoteAddr().(*net.TCPAddr).IP.String(); got != "192.0.2.7" {
		r.Errorf("the server sees %s, want 192.0.2.7", got)
	}
	send(r, client, "ping")
	expect(r, server, "ping")
	send(r, server, "pong")
	expect(r, client, "pong")
	client.Close()
}

func notTransparent(r *rig) {
	p := r.proxied(&Proxy{Spec: spec(), Target: transparentTarget()})
	must(r, expectEnd(p.dial()))
	o := r.outcome()
	if ev := o.failure(); ev.Op != stream.OpTransparent || !errors.Is(ev.Err, syscall.EPERM) || o.status != stream.StatusInternal {
		r.Errorf("got %v, %v, status %d; want setsockopt(), EPERM, 500", ev.Op, ev.Err, o.status)
	}
}
