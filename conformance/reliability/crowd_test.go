package reliability

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/program"
)

// crowdVariable has the crowd that this program is instead of running tests.
const crowdVariable = "WEIR_TEST_CROWD"

// A crowd is a process with clients that connect at once when it reads a line. It ends at the end of its input.
type crowd struct {
	Addr   string // of the server
	Source string // address of the clients
	Count  int
	Stay   int // clients that keep their sessions; the others leave after CONNACK
}

// A crowdResult counts the clients that have got CONNACK.
type crowdResult struct {
	Served  int
	Slowest time.Duration
	Error   string // of one of the others
}

// serveCrowd is the process of a crowd.
func serveCrowd(text string) {
	var c crowd
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return
	}
	result, sessions := c.connect()
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, in)
	for _, s := range sessions {
		s.Close()
	}
}

// connect connects all clients at the same time, and returns the sessions that stay.
func (c *crowd) connect() (result crowdResult, stay []*client) {
	from := &net.Dialer{Timeout: program.Patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.Source)}}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range c.Count {
		all.Go(func() {
			began := time.Now()
			one, err := connectFrom(from, c.Addr, fmt.Sprintf("%s-%d", c.Source, i), "", program.Patience)
			took := time.Since(began)
			if err == nil && i >= c.Stay {
				err = one.leave()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				result.Error = err.Error()
				return
			}
			result.Served++
			result.Slowest = max(result.Slowest, took)
			if i < c.Stay {
				stay = append(stay, one)
			}
		})
	}
	all.Wait()
	return result, stay
}

// A crowdProcess is a running crowd.
type crowdProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start runs the process of a crowd, and waits until it is ready.
func (c *crowd) start(t *testing.T) *crowdProcess {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &crowdProcess{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), crowdVariable+"="+string(text))
	p.cmd.Stderr = os.Stderr
	p.in, err = p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	if _, err := p.out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return p
}

// end lets the sessions end. It may be called again.
func (p *crowdProcess) end() {
	p.in.Close()
	p.cmd.Wait()
}

// crowdProcesses is the number of processes with clients. Each has a source address.
const crowdProcesses = 4

// startCrowds starts the processes of n clients, of which stay keep their sessions.
func startCrowds(t *testing.T, addr string, n, stay int) (all []*crowdProcess) {
	t.Helper()
	for i := range crowdProcesses {
		c := crowd{Addr: addr, Source: fmt.Sprintf("127.0.1.%d", 1+i), Count: n / crowdProcesses, Stay: stay / crowdProcesses}
		all = append(all, c.start(t))
	}
	return all
}

// connectAll lets all clients connect, and returns their number and the time until all have got CONNACK.
func connectAll(t *testing.T, all []*crowdProcess) (sum crowdResult) {
	t.Helper()
	for _, p := range all {
		if _, err := io.WriteString(p.in, "connect\n"); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range all {
		var one crowdResult
		if err := json.NewDecoder(p.out).Decode(&one); err != nil {
			t.Fatal(err)
		}
		sum.Served += one.Served
		sum.Slowest = max(sum.Slowest, one.Slowest)
		if one.Error != "" {
			sum.Error = one.Error
		}
	}
	return sum
}

// roomFor returns how many sessions of n a process may have open: it needs two descriptors for each.
func roomFor(t *testing.T, n int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const others = 1000
	return min(n, int(limit.Max-others)/2)
}

// staying returns how many of n clients may keep their sessions: all if there is room for them, else so many
// that three quarters of the room remain for the others.
func staying(t *testing.T, n int) int {
	t.Helper()
	if room := roomFor(t, n); room < n {
		return room / 4 / crowdProcesses * crowdProcesses
	}
	return n
}

// processorTime returns the time that processes have used.
func processorTime(dirs []string) (sum time.Duration) {
	const tick = time.Second / 100
	for _, dir := range dirs {
		text, _ := os.ReadFile(filepath.Join(dir, "stat")) // it may have ended
		_, rest, _ := strings.Cut(string(text), ") ")
		if words := strings.Fields(rest); len(words) > 13 {
			var user, system int
			fmt.Sscan(words[11]+" "+words[12], &user, &system)
			sum += time.Duration(user+system) * tick
		}
	}
	return sum
}

// TestCrowd connects clients at once to weir, twice. All are served. When they have left, all descriptors and
// goroutines have ended, and the second crowd finds the memory of the first.
func TestCrowd(t *testing.T) {
	n := scale(2000, 20_000)
	stay := staying(t, n)
	brokers := startBrokers(t, 3)
	s := newSite(t)
	s.start(strings.ReplaceAll(balanced(0, brokers[0].addr, brokers[1].addr, brokers[2].addr), "backlog=4096", fmt.Sprintf("backlog=%d", backlog)))
	before := s.usage()
	first := s.crowd(n, stay, before)
	second := s.crowd(n, stay, before)
	if second.memory > first.memory*5/4 {
		t.Errorf("memory has grown from %d to %d KiB", first.memory>>10, second.memory>>10)
	}
	if got := s.wantNoSessions()["mqtt"].Connections; got != 2*n {
		t.Errorf("the zone has %d connections, want %d", got, 2*n)
	}
	s.Quit(t)
	s.wantNoBugs()
}

// crowd lets n clients connect at once, of which some stay for a while, and returns the usage when they
// have left.
func (s *site) crowd(n, stay int, before usage) usage {
	s.t.Helper()
	dirs := processes(s.PID())
	memory, awake := s.Memory(s.t), processorTime(dirs)
	all := startCrowds(s.t, s.addr, n, stay)
	result := connectAll(s.t, all)
	if result.Served != n {
		s.t.Errorf("%d of %d clients were served; %s", result.Served, n, result.Error)
	}
	program.Await(s.t, "the end of the other sessions", func() bool { return s.zones()["mqtt"].Processing == stay })
	each := (s.Memory(s.t) - memory) / stay
	used := processorTime(dirs) - awake
	for _, p := range all {
		p.end()
	}
	after := s.awaitUsage(before)
	figure(s.t, "crowd", "%d of %d clients served at once, the slowest after %v; %v of processor time; %d sessions remain, %d bytes each; before: %v; after: %v",
		result.Served, n, result.Slowest.Round(time.Millisecond), used, stay, each, before, after)
	if each > overhead {
		s.t.Errorf("a session takes %d bytes, want at most %d", each, overhead)
	}
	return after
}

// TestCrowdBesideOthers connects clients at once to weir, nginx and HAProxy, and compares the time until
// all are served, processor time, and memory.
func TestCrowdBesideOthers(t *testing.T) {
	n := scale(1000, 20_000)
	stay := staying(t, n)
	for _, sub := range subjects(t) {
		brokers := startBrokers(t, 3)
		b := newBalancer(t, roomFor(t, n), brokers[0].addr, brokers[1].addr, brokers[2].addr)
		r := sub.run(t, b)
		before, descriptors, awake := r.memory(t), r.open(t), processorTime(processes(r.PID()))
		all := startCrowds(t, b.addr, n, stay)
		result := connectAll(t, all)
		program.Await(t, "the end of the other sessions", func() bool { return r.open(t) <= descriptors+2*stay+spareDescriptors })
		during, used := r.memory(t), processorTime(processes(r.PID()))-awake
		for _, p := range all {
			p.end()
		}
		program.Await(t, "the end of all sessions", func() bool { return r.open(t) <= descriptors+spareDescriptors })
		figure(t, "crowd beside others", "%s: %d of %d clients served at once, the slowest after %v; %v of processor time; %d sessions remain, %d bytes each; %d KiB before and %d KiB after",
			sub.name, result.Served, n, result.Slowest.Round(time.Millisecond), used, stay, (during-before)/stay, before>>10, r.memory(t)>>10)
		if sub.name == "weir" && result.Served != n {
			t.Errorf("%d of %d clients were served; %s", result.Served, n, result.Error)
		}
		for _, one := range brokers {
			one.kill()
		}
	}
}
