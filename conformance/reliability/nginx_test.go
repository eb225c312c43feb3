package reliability

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// A subject is a program to measure.
type subject struct {
	name, path string
	load       string // the directive that loads the stream module
}

// weirAndNginx returns both programs.
func weirAndNginx(t *testing.T) []subject {
	t.Helper()
	b := installed.Nginx(t)
	return []subject{{"weir", weirBinary, ""}, {"nginx", b.Path, b.Load(nginx.Stream)}}
}

// processes returns the directories in /proc of a process and of its children.
func processes(pid int) []string {
	all := []string{fmt.Sprintf("/proc/%d", pid)}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, path := range stats {
		text, _ := os.ReadFile(path) // it may have ended
		_, rest, _ := strings.Cut(string(text), ") ")
		var state string
		var parent int
		if n, _ := fmt.Sscan(rest, &state, &parent); n == 2 && parent == pid && state != "Z" {
			all = append(all, filepath.Dir(path))
		}
	}
	return all
}

// pss returns the memory of processes in bytes, in which shared pages are counted once.
func pss(t *testing.T, dirs []string) (sum int) {
	t.Helper()
	for _, dir := range dirs {
		text, _ := os.ReadFile(filepath.Join(dir, "smaps_rollup")) // it may have ended
		_, rest, _ := strings.Cut(string(text), "\nPss:")
		var kib int
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			sum += kib << 10
		}
	}
	return sum
}

// TestReloadsBesideNginx reloads weir and nginx with open sessions, and compares processes and memory.
func TestReloadsBesideNginx(t *testing.T) {
	const reloads, sessions = 20, 300
	broker := threeBrokers(t)[0]
	for _, sub := range weirAndNginx(t) {
		addr := ports.Reserve(t).String()
		s := program.StartWithWorkers(t, sub.path, t.TempDir(), sub.load+fmt.Sprintf(`worker_processes 2; pid pid; error_log error.log notice;
events { worker_connections 4000; }
stream { server { listen %s backlog=4096; proxy_pass %s; } }
`, addr, broker))
		f := startFleet(t, addr, names("meter", sessions))
		f.round()
		before := pss(t, processes(s.PID()))
		for range reloads {
			starts := s.Starts(t)
			s.Signal(t, syscall.SIGHUP)
			program.Await(t, "the reload", func() bool { return s.Starts(t) > starts })
			f.round() // the sessions live on, and a client connects to the new configuration
			c, err := connect(addr, "new", "", program.Patience)
			if err != nil {
				t.Fatal(err)
			}
			f.t.Cleanup(func() { c.Close() })
		}
		dirs := processes(s.PID())
		figure(t, "reloads beside nginx", "%s: after %d reloads with %d sessions: %d processes, %d KiB, before: %d KiB",
			sub.name, reloads, sessions, len(dirs), pss(t, dirs)>>10, before>>10)
		f.halt()
	}
}

// TestSlowReadersBesideNginx compares the memory of sessions whose clients read nothing.
func TestSlowReadersBesideNginx(t *testing.T) {
	const sessions = 200
	each := map[string]int{}
	for _, sub := range weirAndNginx(t) {
		serve, sent := flood()
		addr := ports.Reserve(t).String()
		s := program.Start(t, sub.path, t.TempDir(), sub.load+fmt.Sprintf(`worker_processes 2; pid pid; error_log error.log notice;
events { worker_connections 4000; }
stream { proxy_buffer_size %d; server { listen %s backlog=4096 sndbuf=16k; proxy_pass %s; } }
`, proxyBuffer, addr, localBroker(t, serve).Addr()))
		before := s.Memory(t)
		for range sessions {
			c, err := smallDialer.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		awaitFull(t, sent)
		each[sub.name] = (s.Memory(t) - before) / sessions
		figure(t, "slow readers beside nginx", "%s: %d sessions, %d bytes each", sub.name, sessions, each[sub.name])
	}
	if each["weir"] > each["nginx"] {
		t.Errorf("a session takes %d bytes in weir and %d in nginx", each["weir"], each["nginx"])
	}
}

// TestStuckClientsBesideNginx compares the memory of sessions that stop before the PROXY header.
func TestStuckClientsBesideNginx(t *testing.T) {
	const sessions = 500
	for _, sub := range weirAndNginx(t) {
		addr := ports.Reserve(t).String()
		s := program.Start(t, sub.path, t.TempDir(), sub.load+fmt.Sprintf(`worker_processes 2; pid pid; error_log error.log notice;
events { worker_connections 4000; }
stream { server { listen %s proxy_protocol backlog=4096; return 1; } }
`, addr))
		before, descriptors := s.Memory(t), s.Descriptors(t)
		var all []net.Conn
		for range sessions {
			c, err := dialer.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		program.Await(t, "all sessions", func() bool { return s.Descriptors(t) >= descriptors+sessions })
		figure(t, "stuck clients beside nginx", "%s: %d sessions before the PROXY header, %d bytes each", sub.name, sessions,
			(s.Memory(t)-before)/sessions)
		for _, c := range all {
			c.Close()
		}
	}
}

// awaitFull waits until a broker that floods cannot send any more.
func awaitFull(t *testing.T, sent *atomic.Int64) {
	t.Helper()
	seen, since := sent.Load(), time.Now()
	program.Await(t, "full buffers", func() bool {
		if now := sent.Load(); now != seen {
			seen, since = now, time.Now()
		}
		return seen > 0 && time.Since(since) > time.Second
	})
}
