package reliability

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// A subject is a program to measure.
type subject struct {
	name, path string
	load       string // the directive that loads the stream module of nginx
}

// subjects returns weir, nginx and HAProxy.
func subjects(t *testing.T) []subject {
	t.Helper()
	b := installed.Nginx(t)
	return []subject{{"weir", weirBinary, ""}, {"nginx", b.Path, b.Load(nginx.Stream)}, {haproxy, installed.Program(t, haproxy, haproxy), ""}}
}

// haproxy is the name of the program and of its package. Its configuration is not nginx's.
const haproxy = "haproxy"

// A balancer is a server of a subject that passes clients to brokers in turn.
type balancer struct {
	addr     string // of clients
	brokers  []string
	sessions int  // that are open at the same time
	header   bool // clients send a PROXY header
	small    bool // the send buffer of clients is small
}

// loops is the number of worker processes, event loops or threads.
const loops = 2

// newBalancer reserves an address for clients.
func newBalancer(t *testing.T, sessions int, brokers ...string) *balancer {
	t.Helper()
	return &balancer{addr: ports.Reserve(t).String(), brokers: brokers, sessions: sessions}
}

// nginx returns the configuration for weir and nginx.
func (b *balancer) nginx() string {
	var servers, listen strings.Builder
	for _, addr := range b.brokers {
		fmt.Fprintf(&servers, "server %s;\n", addr)
	}
	if b.header {
		listen.WriteString(" proxy_protocol")
	}
	if b.small {
		listen.WriteString(" sndbuf=16k")
	}
	return fmt.Sprintf(`worker_processes %d; pid pid; error_log error.log notice;
events { worker_connections %d; }
stream {
upstream brokers {
%s}
proxy_buffer_size %d;
server { listen %s backlog=%d%s; proxy_pass brokers; }
}
`, loops, 2*b.sessions+1000, servers.String(), proxyBuffer, b.addr, backlog, listen.String())
}

// backlog is the length of the queue of connections, which the system may limit.
const backlog = 32768

// haproxy returns the configuration for HAProxy.
func (b *balancer) haproxy() string {
	var servers strings.Builder
	for i, addr := range b.brokers {
		fmt.Fprintf(&servers, "    server s%d %s\n", i, addr)
	}
	global, bind := "", ""
	if b.header {
		bind = " accept-proxy"
	}
	if b.small {
		global = "\n    tune.sndbuf.client 16384"
	}
	return fmt.Sprintf(`global
    nbthread %d
    maxconn %d
    tune.bufsize %d%s
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
    retries 3
    option redispatch 1
listen mqtt
    bind %s backlog %d%s
    balance roundrobin
%s`, loops, b.sessions, proxyBuffer, global, b.addr, backlog, bind, servers.String())
}

// A rival is a running subject.
type rival struct {
	*program.Server
	subject
}

// run starts a subject with the configuration of a balancer.
func (sub subject) run(t *testing.T, b *balancer) *rival {
	t.Helper()
	dir := t.TempDir()
	if sub.name != haproxy {
		return &rival{program.StartWithWorkers(t, sub.path, dir, sub.load+b.nginx()), sub}
	}
	path := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(b.haproxy()), 0o644); err != nil {
		t.Fatal(err)
	}
	s := program.Launch(t, dir, []string{sub.path, "-W", "-db", "-f", path}, func(*program.Server) bool { return accepts(b.addr) })
	return &rival{s, sub}
}

// reload reloads the configuration and waits until it is active.
func (r *rival) reload(t *testing.T) {
	t.Helper()
	if r.name != haproxy {
		starts := r.Starts(t)
		r.Signal(t, syscall.SIGHUP)
		program.Await(t, "the reload", func() bool { return r.Starts(t) > starts })
		return
	}
	before := map[string]bool{}
	for _, dir := range processes(r.PID()) {
		before[dir] = true
	}
	r.Signal(t, syscall.SIGUSR2)
	program.Await(t, "the reload", func() bool {
		for _, dir := range processes(r.PID()) {
			if !before[dir] {
				return true
			}
		}
		return false
	})
}

// open returns how many descriptors the processes of the program have.
func (r *rival) open(t *testing.T) (n int) {
	t.Helper()
	for _, dir := range processes(r.PID()) {
		all, _ := os.ReadDir(filepath.Join(dir, "fd")) // it may have ended
		n += len(all)
	}
	return n
}

// memory returns the memory of the processes in bytes, in which shared pages are counted once.
func (r *rival) memory(t *testing.T) int {
	t.Helper()
	return pss(t, processes(r.PID()))
}

// processes returns the directories in /proc of a process and of its children.
func processes(pid int) []string {
	all := []string{fmt.Sprintf("/proc/%d", pid)}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, path := range stats {
		if parent, ok := parentOf(path); ok && parent == pid {
			all = append(all, filepath.Dir(path))
		}
	}
	return all
}

// parentOf returns the parent of the process with a file stat in /proc, if it runs.
func parentOf(path string) (parent int, ok bool) {
	text, _ := os.ReadFile(path) // it may have ended
	_, rest, _ := strings.Cut(string(text), ") ")
	var state string
	n, _ := fmt.Sscan(rest, &state, &parent)
	return parent, n == 2 && state != "Z"
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
