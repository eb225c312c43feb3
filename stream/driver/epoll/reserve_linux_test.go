package epoll_test

import (
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/epoll"
	"weir/stream/offline"
)

// TestDescriptorsInReserve fills the process with sessions and checks that some descriptors remain
// for other work, that the log has one line, and that waiting clients are served once descriptors
// are free again.
func TestDescriptorsInReserve(t *testing.T) {
	const reserve = 32
	awaitFewFiles(t)
	allow(t, highest(t)+8*reserve)
	begun := time.Now()
	env, lines := offline.NewEnv(time.Now)
	env.Descriptors = stream.NewDescriptors(survey)
	d, err := epoll.New(env, epoll.Options{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	addr := listen(t, d, env, echo(t))

	full := func() bool { return lines.Count("[crit] ") > 0 }
	var served []net.Conn
	for !full() {
		c := dial(t, addr)
		if echoes(c) {
			served = append(served, c)
		}
	}
	waiting := dial(t, addr)
	if n := free(); n < reserve/2 {
		t.Errorf("%d descriptors are left, want %d and more", n, reserve/2)
	}
	for _, c := range served {
		c.Close()
	}
	if !echoes(waiting) {
		t.Errorf("who waited was not served once there were descriptors: %q", lines.All())
	}
	seconds := int(time.Since(begun).Seconds())
	if n := lines.Count("descriptors in use"); n < 1 || n > 1+seconds {
		t.Errorf("%d lines in %d seconds, want one a second: %q", n, seconds, lines.All())
	}
}

// survey counts the descriptors of the process.
func survey() (limit, used int) {
	var n unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &n)
	open, _ := os.ReadDir("/proc/self/fd")
	return int(n.Cur), len(open)
}

// TestSilentSessionsCountTheDescriptorsOfTheirServers connects more clients than there are
// descriptors for; they send data later.
func TestSilentSessionsCountTheDescriptorsOfTheirServers(t *testing.T) {
	// The limit is above the descriptor numbers in use by this process, because the driver counts
	// by the kernel's numbers as well.
	const limit, others, clients = 400, 282, 50
	const served = (limit - limit/8 - others) / 2
	awaitFewFiles(t)
	env, lines := offline.NewEnv(time.Now)
	open := func() int { return 0 }
	env.Descriptors = stream.NewDescriptors(func() (int, int) { return limit, others + open() })
	d, err := epoll.New(env, epoll.Options{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	open = d.Connections
	addr := listenFor(t, d, env, proxyTo(echo(t)), sentinel{})
	var all []net.Conn
	for range clients {
		all = append(all, dial(t, addr))
	}
	testwait.Eventually(t, "the reserve is logged", func() bool { return lines.Count("descriptors in use or needed") > 0 })
	if n := sum(d.Sessions()); n != served {
		t.Errorf("%d sessions were accepted, want %d", n, served)
	}
	for i, c := range all {
		if !echoes(c) {
			t.Fatalf("client %d was not served: %v", i, lines.All())
		}
		c.Close()
	}
}

// awaitFewFiles waits until the connections of other tests are closed.
func awaitFewFiles(t *testing.T) {
	t.Helper()
	testwait.Eventually(t, "descriptors are free", func() bool { _, used := survey(); return used < 50 })
}

// highest returns the largest descriptor number of the process.
func highest(t *testing.T) uint64 {
	t.Helper()
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return uint64(f.Fd())
}

// allow limits the process to n descriptors until the test ends.
func allow(t *testing.T, n uint64) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &before) })
}

// free returns how many descriptors the process can still open.
func free() int {
	var all []int
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		all = append(all, fd)
	}
	for _, fd := range slices.Backward(all) {
		unix.Close(fd)
	}
	return len(all)
}

// sentinel is a preread handler that waits for a byte.
type sentinel struct{}

// Handle waits for a byte.
func (sentinel) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) == 0 {
		return stream.More, nil
	}
	return stream.Done, nil
}
