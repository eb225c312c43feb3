package reliability

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/program"
)

const (
	connectTimeout = 500 * time.Millisecond // proxy_connect_timeout
	failTimeout    = time.Second            // fail_timeout
	// refusalLimit is the time within which a client reaches the next server after a refusal, and after
	// the timeout of a connect.
	refusalLimit = 100 * time.Millisecond
)

// An outage is a way in which a broker fails.
type outage struct {
	name string

	server  string        // more of the server block
	hangs   time.Duration // of a connect to the broker
	held    bool          // no visits happen while the outage begins
	checked bool          // only a health check detects it
	begin   func(*broker)
	end     func(*broker)
}

// outages are the ways in which brokers fail.
var outages = []outage{
	{name: "killed", begin: (*broker).kill, end: (*broker).start},
	{name: "full accept queue", hangs: connectTimeout, held: true, begin: (*broker).fill, end: (*broker).drainQueue},
	{
		name: "stopped", checked: true, server: "health_check type=mqtt interval=300ms jitter=0 fails=2; health_check_timeout 1s;",
		begin: func(b *broker) { b.signal(syscall.SIGSTOP) },
		end:   func(b *broker) { b.signal(syscall.SIGCONT) },
	},
}

// fill replaces the broker by a socket that accepts no connection.
func (b *broker) fill() {
	b.t.Helper()
	b.kill()
	full, err := peers.StartFull(b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.full = full
}

// drainQueue starts the broker again.
func (b *broker) drainQueue() {
	b.t.Helper()
	b.full.Close()
	b.start()
}

// conf returns the stream block. The access log has a line for each session: its name, status and servers.
func (o *outage) conf(brokers []*broker) string {
	var b strings.Builder
	fmt.Fprintf(&b, `mqtt_preread on;
log_format visits "$mqtt_preread_username $status $upstream_addr";
access_log access.log visits;
proxy_connect_timeout %dms;
upstream brokers {
zone brokers 256k;
hash $mqtt_preread_clientid consistent;
`, connectTimeout.Milliseconds())
	for _, one := range brokers {
		fmt.Fprintf(&b, "server %s max_fails=1 fail_timeout=%ds;\n", one.addr, int(failTimeout.Seconds()))
	}
	fmt.Fprintf(&b, "}\nserver { listen $ADDR backlog=4096; proxy_pass brokers; %s }\n", o.server)
	return b.String()
}

// TestBrokerFails lets one of three brokers fail in different ways while clients connect and the sessions
// of the other brokers exchange messages, and lets it return.
func TestBrokerFails(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			o.run(t)
		})
	}
}

// A failover is an outage and the records of its clients.
type failover struct {
	*outage
	*site
	brokers []*broker
	ids     []string
	dead    string     // address of the broker that fails
	ring    peers.Ring // of all brokers
	rest    peers.Ring // of the others

	// The outage begins between starts and known: then weir knows of it, or can find out by a connect.
	// It ends after lasts. All clients are back before home.
	starts, known, lasts, home time.Time
}

func (o outage) run(t *testing.T) {
	t.Helper()
	f := &failover{outage: &o, site: newSite(t), ids: names("meter", scale(100, 1200))}
	f.brokers = startAll(t, evenAddrs(t, f.ids), false)
	f.dead = f.brokers[1].addr
	f.ring, f.rest = peers.NewRing(f.members("")), peers.NewRing(f.members(f.dead))
	f.site.start(o.conf(f.brokers))
	f.wantShares()
	others := startFleet(t, f.addr, f.served(names("other", scale(60, 600))))
	v := startVisitors(t, &visitors{addr: f.addr, ids: f.ids, rate: scale(100, 300), timeout: 5 * time.Second})
	v.more(t, len(f.ids))

	f.fail(v)
	v.more(t, len(f.ids)+2*v.rate)
	f.lasts = time.Now()
	f.end(f.brokers[1])
	f.awaitHome()
	v.more(t, len(f.ids))
	visits := v.halt()
	others.round()
	others.halt()
	f.site.Quit(t)
	f.judge(visits)
}

// fail begins the outage.
func (f *failover) fail(v *visitors) {
	f.t.Helper()
	if f.held {
		v.gate.Lock()
		defer v.gate.Unlock()
	}
	f.starts = time.Now()
	f.begin(f.brokers[1])
	if f.checked {
		program.Await(f.t, "the health check to fail", func() bool {
			return strings.Contains(f.request("GET", "/api/9/stream/upstreams/brokers", ""), `"state":"unhealthy"`)
		})
		figure(f.t, "outage", "%s: found by the health check after %v", f.name, time.Since(f.starts).Round(time.Millisecond))
	}
	f.known = time.Now()
}

// members returns the group, without one server.
func (f *failover) members(without string) []peers.Member {
	var addrs []string
	for _, b := range f.brokers {
		if b.addr != without {
			addrs = append(addrs, b.addr)
		}
	}
	return equals(addrs)
}

// equals returns a group of servers with equal weights.
func equals(addrs []string) (all []peers.Member) {
	for _, addr := range addrs {
		all = append(all, peers.Member{Server: addr, Weight: 1})
	}
	return all
}

// evenShare is the largest share of a broker of three, of the ring and of the clients.
const evenShare = 1.0/3 + 0.02

// evenAddrs returns the addresses of three brokers, none of which has more than evenShare: on nginx's ring,
// most groups of three have a server with more.
func evenAddrs(t *testing.T, ids []string) []string {
	t.Helper()
	all := reserve(t, 30)
	for i := range all {
		for j := range i {
			for k := range j {
				if addrs := []string{all[i], all[j], all[k]}; areEven(addrs, ids) {
					return addrs
				}
			}
		}
	}
	t.Fatal("no three addresses have even shares")
	return nil
}

// areEven reports whether no broker has more than evenShare.
func areEven(addrs, ids []string) bool {
	ring := peers.NewRing(equals(addrs))
	if slices.ContainsFunc(addrs, func(addr string) bool { return ring.Share(addr) > evenShare }) {
		return false
	}
	clients := map[string]int{}
	for _, id := range ids {
		clients[ring.Server(id)]++
	}
	return !slices.ContainsFunc(addrs, func(addr string) bool { return float64(clients[addr]) > evenShare*float64(len(ids)) })
}

// wantShares compares the shares in the API with those of the ring.
func (f *failover) wantShares() {
	f.t.Helper()
	var rings map[string]struct{ Shares map[int]float64 }
	f.decode("/api/weir/rings", &rings)
	for i, b := range f.brokers {
		const millionths = 1e6
		if got, want := rings["brokers"].Shares[i], f.ring.Share(b.addr)*millionths; math.Abs(got-want) > 1 {
			f.t.Errorf("%s has %v millionths of the ring, want %v", b.addr, got, want)
		}
	}
}

// served returns the identifiers whose broker does not fail.
func (f *failover) served(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return f.ring.Server(id) == f.dead })
}

// awaitHome waits until a client of the broker reaches it again.
func (f *failover) awaitHome() {
	f.t.Helper()
	i := slices.IndexFunc(f.ids, func(id string) bool { return f.ring.Server(id) == f.dead })
	n := 0
	program.Await(f.t, "the broker to be used again", func() bool {
		n++
		name := fmt.Sprintf("home.%d", n)
		c, err := connect(f.addr, f.ids[i], name, program.Patience)
		if err != nil || c.leave() != nil {
			return false
		}
		var line string
		program.Await(f.t, "the line of a session", func() bool {
			line = f.servers()[name]
			return line != ""
		})
		return line == f.dead
	})
	f.home = time.Now()
	figure(f.t, "outage", "%s: clients are back after %v", f.name, f.home.Sub(f.lasts).Round(time.Millisecond))
}

// servers returns the servers of each session in the access log, by the name of the visit.
func (f *failover) servers() map[string]string {
	f.t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(f.Read(f.t, "access.log")) {
		if words := strings.SplitN(strings.TrimSpace(line), " ", 3); len(words) == 3 {
			all[words[0]] = words[2]
		}
	}
	return all
}

// judge checks the servers of each visit.
func (f *failover) judge(visits []visit) {
	f.t.Helper()
	servers := f.servers()
	moved := map[string]bool{}
	var late []time.Duration // visits that met the failed broker first
	var attempts []visit     // visits that met the failed broker in the outage
	for _, v := range visits {
		home, got := f.ring.Server(v.id), servers[v.name]
		if home != f.dead {
			if v.err != nil || got != home {
				f.t.Errorf("%s reached %q with error %v, want %s", v.name, got, v.err, home)
			}
			continue
		}
		next := f.rest.Server(v.id)
		if err := f.check(v, got, next); err != nil {
			f.t.Errorf("%s: %v", v.name, err)
		}
		if got == next {
			moved[v.id] = true
		}
		if got == f.dead+", "+next {
			late = append(late, v.took-f.hangs)
			attempts = append(attempts, v)
		}
	}
	f.judgeAttempts(attempts)
	f.judgeTimes(late)
	share := float64(len(moved)) / float64(len(f.ids))
	figure(f.t, "outage", "%s: %d visits; %d of %d clients moved (%.1f %%), 1 of %d brokers failed", f.name, len(visits), len(moved), len(f.ids),
		100*share, len(f.brokers))
	if len(moved) == 0 || share > evenShare {
		f.t.Errorf("%d of %d clients moved, want at most %.1f %%", len(moved), len(f.ids), 100*evenShare)
	}
}

// check checks a visit of a client of the failed broker.
func (f *failover) check(v visit, got, next string) error {
	failed, both := got == f.dead, got == f.dead+", "+next
	switch {
	case v.began.Before(f.known) && v.ended.After(f.starts): // the broker may have failed in the session
		return nil
	case v.err != nil:
		return v.err
	case v.ended.Before(f.starts), v.began.After(f.home):
		if !failed {
			return fmt.Errorf("reached %q while the broker %s works", got, f.dead)
		}
	case v.ended.Before(f.lasts):
		if got != next && (f.checked || !both) {
			return fmt.Errorf("reached %q, want %s while %s has failed", got, next, f.dead)
		}
	case !failed && !both && got != next:
		return fmt.Errorf("reached %q, want %s or %s", got, f.dead, next)
	}
	return nil
}

// judgeAttempts checks how often weir tried the failed broker: until the first failure, and then once
// after each fail_timeout.
func (f *failover) judgeAttempts(all []visit) {
	f.t.Helper()
	if f.checked {
		return
	}
	if len(all) == 0 {
		f.t.Error("no client met the failed broker")
		return
	}
	first := slices.MinFunc(all, func(a, b visit) int { return a.began.Add(a.took).Compare(b.began.Add(b.took)) })
	failed := first.began.Add(first.took)
	probes := 0
	for _, v := range all {
		if v.began.After(failed) {
			probes++
		}
	}
	most := int(f.home.Sub(f.starts)/failTimeout) + 1
	figure(f.t, "outage", "%s: %d clients met the broker before the first failure, %d probed it later", f.name, len(all)-probes, probes)
	if probes > most {
		f.t.Errorf("%d probes, want at most %d", probes, most)
	}
}

// judgeTimes checks the time that clients of the failed broker lost.
func (f *failover) judgeTimes(late []time.Duration) {
	f.t.Helper()
	if len(late) == 0 {
		return
	}
	slices.Sort(late)
	median, longest := late[len(late)/2], late[len(late)-1]
	figure(f.t, "outage", "%s: the next server is reached after %v + %v, at most %v", f.name, f.hangs,
		median.Round(time.Microsecond), longest.Round(time.Microsecond))
	if limit := scale(10*refusalLimit, refusalLimit); median > limit {
		f.t.Errorf("the next server is reached after %v and %v, want at most %v", f.hangs, median, limit)
	}
}
