package healthcheck

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// fakeSockets plays the servers: verdict returns the outcome of an exchange, or the verdict Pending
// for one that ends later or never.
type fakeSockets struct {
	verdict func(x *exchange) outcome
	started []string // names of peers
	dropped []string
	open    []*exchange
}

func (f *fakeSockets) start(x *exchange) bool {
	f.started = append(f.started, x.target.peer.Name)
	x.outcome = f.verdict(x)
	if x.outcome.verdict == Pending {
		f.open = append(f.open, x)
	}
	return x.outcome.verdict != Pending
}

func (f *fakeSockets) poll(end func(*exchange)) bool {
	open := f.open
	f.open = nil
	for _, x := range open {
		if x.outcome = f.verdict(x); x.outcome.verdict != Pending {
			end(x)
			continue
		}
		f.open = append(f.open, x)
	}
	return len(f.open) < len(open)
}

func (f *fakeSockets) expire(x *exchange) {
	f.forget(x)
	x.outcome = timeout(connecting)
}

func (f *fakeSockets) drop(x *exchange) {
	f.forget(x)
	f.dropped = append(f.dropped, x.target.peer.Name)
}

func (f *fakeSockets) forget(x *exchange) {
	f.open = slices.DeleteFunc(f.open, func(y *exchange) bool { return x == y })
}

func (f *fakeSockets) close() {}

// A rig is a Checker with one check of a group, with fake sockets and a clock that the test moves.
type rig struct {
	*Checker
	*fakeSockets
	t     *testing.T
	group *upstream.Group
	check *Check
	now   time.Time
	start time.Time
	lines *offline.Lines
	read  int // how many of the lines have been compared
}

// newRig returns a rig for servers 127.0.0.1:1 and so on. All servers pass until the test changes
// that.
func newRig(t *testing.T, servers int, mandatory bool, change func(*Check)) *rig {
	t.Helper()
	r := &rig{t: t, start: time.Unix(1_000_000, 0)}
	r.now = r.start
	r.group = upstream.NewZoneGroup("brokers", upstream.Zone{Name: "z"}, confs(servers), upstream.RoundRobin, nil, upstream.Resolving{})
	log := errorlog.New(func() time.Time { return r.now }, 1)
	r.lines = &offline.Lines{}
	log.Add(errorlog.Info, r.lines)
	r.check = &Check{
		Group: r.group, Results: r.group.NewCheck(mandatory, false), Interval: 10 * time.Second, Fails: 1, Passes: 1, Timeout: 5 * time.Second,
		Probe: &Match{}, BufferSize: 100, Log: log,
	}
	change(r.check)
	r.fakeSockets = &fakeSockets{verdict: func(*exchange) outcome { return outcome{verdict: Passed, during: reaching} }}
	r.Checker = &Checker{Checks: []*Check{r.check}, env: &stream.Env{}}
	r.begin(r.fakeSockets, nil)
	r.replacePeers()
	return r
}

func confs(n int) []*upstream.PeerConf {
	all := make([]*upstream.PeerConf, n)
	for i := range all {
		a := stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(i+1))}
		all[i] = &upstream.PeerConf{Server: a.String(), Name: a.String(), Addr: a, Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second}
	}
	return all
}

func (r *rig) replacePeers() {
	peers, _ := r.group.Watch()
	r.replace(change{r.check, peers}, r.now)
}

// until runs the Checker until a time after the start.
func (r *rig) until(after time.Duration) {
	for end := r.start.Add(after); ; {
		r.step(r.now)
		next := r.now.Add(r.sleep(r.now))
		if next.After(end) {
			r.now = end
			return
		}
		r.now = next
	}
}

// wantStarted checks which servers have been checked since the last call.
func (r *rig) wantStarted(ports ...int) {
	r.t.Helper()
	var want []string
	for _, p := range ports {
		want = append(want, fmt.Sprintf("127.0.0.1:%d", p))
	}
	if !slices.Equal(r.started, want) {
		r.t.Errorf("after %v: checked %v, want %v", r.now.Sub(r.start), r.started, want)
	}
	r.started = nil
}

func (r *rig) wantHealth(want ...upstream.Health) {
	r.t.Helper()
	for i, p := range r.group.Peers() {
		if got := r.group.Health(p); got != want[i] {
			r.t.Errorf("after %v: %s is %v, want %v", r.now.Sub(r.start), p.Name, got, want[i])
		}
	}
}

// wantLog checks the texts of the log since the last call.
func (r *rig) wantLog(want ...string) {
	r.t.Helper()
	got := r.lines.All()[r.read:]
	r.read += len(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("after %v: got log\n%s\nwant\n%s", r.now.Sub(r.start), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func unchanged(*Check) {}

// refused is the outcome of a server that does not listen.
func refused(x *exchange) outcome { return x.connectFailed(syscall.ECONNREFUSED, false) }

// TestInterval checks one server at each interval.
func TestInterval(t *testing.T) {
	r := newRig(t, 1, false, unchanged)
	r.until(0)
	r.wantStarted(1)
	r.until(9999 * time.Millisecond)
	r.wantStarted()
	r.until(10 * time.Second)
	r.wantStarted(1)
	r.until(30 * time.Second)
	r.wantStarted(1, 1)
	r.wantLog()
}

// TestJitter delays each check by a time from 0 to jitter, without moving the later ones.
func TestJitter(t *testing.T) {
	r := newRig(t, 1, false, func(c *Check) { c.Jitter = 4 * time.Second })
	r.jitter = func(limit time.Duration) time.Duration { return limit / 2 }
	r.until(0)
	r.wantStarted(1)
	r.until(11999 * time.Millisecond)
	r.wantStarted()
	r.until(12 * time.Second)
	r.wantStarted(1)
	r.jitter = func(time.Duration) time.Duration { return 0 }
	r.until(22 * time.Second)
	r.wantStarted(1)
	r.until(30 * time.Second)
	r.wantStarted(1)
}

// TestLog checks the lines of a server that fails and recovers.
func TestLog(t *testing.T) {
	const of = `, health check "redis" of peer 127.0.0.1:1 in upstream "brokers", port 77`
	pass := outcome{verdict: Passed, during: judging}
	r := newRig(t, 1, false, func(c *Check) { c.Fails, c.Passes, c.Name, c.Port = 2, 2, "redis", 77 })
	r.verdict = refused
	r.until(0)
	r.wantLog("[error] connect() failed (111: Connection refused) while connecting to upstream" + of)
	r.wantHealth(upstream.Unchecked)
	r.until(10 * time.Second)
	r.wantLog("[error] connect() failed (111: Connection refused) while connecting to upstream"+of,
		"[warn] peer is unhealthy while connecting to upstream"+of)
	r.wantHealth(upstream.Unhealthy)
	r.verdict = func(*exchange) outcome { return outcome{} }
	r.until(20*time.Second + r.check.Timeout + time.Second)
	r.wantLog("[error] upstream timed out (110: Connection timed out) while connecting to upstream" + of)
	r.verdict = func(*exchange) outcome { return pass }
	r.until(30 * time.Second)
	r.wantLog()
	r.until(40 * time.Second)
	r.wantLog("[notice] peer is healthy while checking response" + of)
	r.wantHealth(upstream.Healthy)
	r.verdict = func(*exchange) outcome { return outcome{verdict: Drain, during: judging} }
	r.until(60 * time.Second)
	r.wantLog("[notice] peer is draining while checking response" + of)
	r.wantHealth(upstream.Draining)
}

// TestMandatory keeps a server out of use until its first check has ended.
func TestMandatory(t *testing.T) {
	r := newRig(t, 1, true, func(c *Check) { c.Passes = 3 })
	r.wantHealth(upstream.Checking)
	r.verdict = func(*exchange) outcome { return outcome{} }
	r.until(time.Second)
	r.wantHealth(upstream.Checking)
	r.verdict = func(*exchange) outcome { return outcome{verdict: Passed, during: reaching} }
	r.until(2 * time.Second)
	r.wantHealth(upstream.Healthy)
	r.wantLog(`[notice] peer is healthy while checking connection, health check "" of peer 127.0.0.1:1 in upstream "brokers"`)
}

// TestSlowServer lets an exchange last longer than many ticks, and end before its timeout.
func TestSlowServer(t *testing.T) {
	r := newRig(t, 1, false, unchanged)
	r.verdict = func(*exchange) outcome {
		if r.now.Sub(r.start) < 3*time.Second {
			return outcome{}
		}
		return outcome{verdict: Passed, during: reaching}
	}
	r.until(2999 * time.Millisecond)
	r.wantHealth(upstream.Unchecked)
	r.until(3*time.Second + slowTicks*maxTick)
	r.wantHealth(upstream.Healthy)
	r.until(5 * time.Second)
	r.wantStarted(1)
}

// TestNewPeer checks a server that joins at once, one that leaves no longer, and one that is down
// never.
func TestNewPeer(t *testing.T) {
	r := newRig(t, 2, true, unchanged)
	r.verdict = func(x *exchange) outcome {
		if x.target.peer.Name == "127.0.0.1:2" {
			return outcome{}
		}
		return outcome{verdict: Passed, during: reaching}
	}
	r.until(time.Second)
	r.wantStarted(1, 2)
	old := r.group.Peers()
	more := confs(4)
	more[3].Down = true
	r.group.Replace([]*upstream.Peer{old[0], r.group.NewPeer(more[2]), r.group.NewPeer(more[3])})
	r.wantHealth(upstream.Healthy, upstream.Checking, upstream.Checking)
	r.replacePeers()
	r.until(time.Second)
	r.wantStarted(3)
	r.wantHealth(upstream.Healthy, upstream.Healthy, upstream.Checking)
	if want := []string{"127.0.0.1:2"}; !slices.Equal(r.dropped, want) {
		t.Errorf("dropped %v, want %v", r.dropped, want)
	}
	r.until(5500 * time.Millisecond)
	r.wantStarted()
	r.until(20 * time.Second)
	for _, name := range r.started {
		if name != "127.0.0.1:1" && name != "127.0.0.1:3" {
			t.Errorf("checked %s", name)
		}
	}
}

// TestNewPeerSoon checks that the result of a new server is known soon after its answer, although
// the interval is long.
func TestNewPeerSoon(t *testing.T) {
	r := newRig(t, 1, true, unchanged)
	r.until(time.Second)
	r.verdict = func(*exchange) outcome {
		if r.now.Sub(r.start) < time.Second+5*time.Millisecond {
			return outcome{}
		}
		return outcome{verdict: Passed, during: reaching}
	}
	addr := confs(2)[1].Addr
	if _, err := r.group.Add(upstream.Change{Server: &upstream.Target{Text: addr.String(), Addr: addr}}); err != nil {
		t.Fatal(err)
	}
	r.replacePeers()
	r.until(time.Second + 15*time.Millisecond)
	if got := r.group.Snapshot().Peers[1].Health; got.Checks != 1 || !got.LastPassed {
		t.Errorf("got %+v", got)
	}
}

// TestDownAndUp ends the checks of a server while it is down.
func TestDownAndUp(t *testing.T) {
	r := newRig(t, 1, false, unchanged)
	r.until(time.Second)
	r.wantStarted(1)
	r.patch(0, upstream.Change{Down: &isTrue})
	r.until(30 * time.Second)
	r.wantStarted()
	r.patch(0, upstream.Change{Down: &isFalse})
	r.until(30 * time.Second)
	r.wantStarted(1)
	r.patch(0, upstream.Change{Weight: &two})
	r.until(31 * time.Second)
	r.wantStarted()
}

// TestMoved checks a server at once whose address has changed, though its ID is the same.
func TestMoved(t *testing.T) {
	r := newRig(t, 1, true, unchanged)
	r.until(time.Second)
	r.wantStarted(1)
	addr := confs(2)[1].Addr
	r.patch(0, upstream.Change{Server: &upstream.Target{Text: addr.String(), Addr: addr}})
	r.wantHealth(upstream.Checking)
	r.until(time.Second)
	r.wantStarted(2)
	r.wantHealth(upstream.Healthy)
}

var (
	isTrue, isFalse = true, false
	two             = 2
)

// patch changes a server as the API does.
func (r *rig) patch(id int, c upstream.Change) {
	r.t.Helper()
	if _, err := r.group.Patch(id, c); err != nil {
		r.t.Fatal(err)
	}
	r.replacePeers()
}

// TestShortage skips checks for lack of a descriptor: the server keeps its state, and is checked
// again soon. Many skipped checks log one line a second.
func TestShortage(t *testing.T) {
	r := newRig(t, 3, true, unchanged)
	r.verdict = func(*exchange) outcome { return skipped("socket() failed", syscall.EMFILE) }
	r.until(900 * time.Millisecond)
	r.wantStarted(1, 2, 3)
	r.wantHealth(upstream.Checking, upstream.Checking, upstream.Checking)
	const line = `[alert] socket() failed (24: Too many open files) while connecting to upstream, ` +
		`health check "" of peer 127.0.0.1:1 in upstream "brokers"`
	r.wantLog(line)
	r.until(1900 * time.Millisecond)
	r.wantLog(line)
	r.verdict = refused
	r.started = nil
	r.until(2900 * time.Millisecond)
	r.wantStarted(1, 2, 3)
	r.wantHealth(upstream.Unhealthy, upstream.Unhealthy, upstream.Unhealthy)
}

// TestNoRoom skips checks while the process has too few descriptors left for sessions.
func TestNoRoom(t *testing.T) {
	r := newRig(t, 1, false, unchanged)
	used := 1000
	r.env.Descriptors = stream.NewDescriptors(func() (int, int) { return 1000, used })
	r.until(0)
	r.wantStarted()
	r.wantLog(`[warn] too few file descriptors, server not checked while connecting to upstream, ` +
		`health check "" of peer 127.0.0.1:1 in upstream "brokers"`)
	used = 10
	r.env.Descriptors.Survey()
	r.until(time.Second)
	r.wantStarted(1)
}

// TestStartIsPaced checks that the first checks of many servers do not begin at the same time.
func TestStartIsPaced(t *testing.T) {
	r := newRig(t, 1000, false, func(c *Check) { c.Interval = time.Second })
	r.until(100 * time.Millisecond)
	if n := len(r.started); n < 50 || n > 150 {
		t.Errorf("%d of 1000 servers checked in the first tenth of an interval", n)
	}
	r.until(time.Second)
	if n := len(r.started); n < 1000 {
		t.Errorf("%d of 1000 servers checked in the first interval", n)
	}
}
