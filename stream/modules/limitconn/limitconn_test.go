package limitconn

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/zone"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
	"weir/stream/status"
)

// A site is a configuration of one server with limits.
type site struct {
	*testing.T
	handler *Handler
	listen  *stream.Listen
	lines   *offline.Lines // the lines that the server has logged
}

// newSite returns a site with a limit of conns for each key, in its own zone: z0, z1, and so on.
func newSite(t *testing.T, h *Handler, conns int, keys ...string) *site {
	t.Helper()
	cfg := stream.NewConfig()
	broken := stream.Variable{Name: "broken", Get: func(*stream.Session) (string, bool) { panic("broken") }}
	if err := cfg.Vars.Define(broken); err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		tpl, err := stream.ParseTemplate(key, cfg.Vars)
		if err != nil {
			t.Fatal(err)
		}
		z := &Zone{Name: "z" + string(rune('0'+i)), Size: 1 << 20, Variable: tpl, Status: status.NewLimitConn("z")}
		if err := z.Open(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		h.Limits = append(h.Limits, Limit{z, conns})
	}
	if unknown := cfg.Vars.Resolve(); unknown != nil {
		t.Fatal(unknown)
	}
	h.Report = true
	if h.Level == 0 {
		h.Level = stream.LevelError
	}
	srv := &stream.Server{Content: &drivertest.Proxy{To: []stream.Addr{drivertest.Loopback(1)}}}
	srv.Handlers[stream.PreAccess] = []stream.Handler{h}
	env, lines := offline.NewEnv(time.Now)
	srv.Settings.ErrorLog = env.Log
	addr := stream.Addr{IP: netip.MustParseAddrPort("192.0.2.100:1883")}
	return &site{t, h, &stream.Listen{Config: cfg, Addr: addr, Default: srv}, lines}
}

// client returns a session from that address that has not begun.
func (s *site) client(ip string) *offline.Session {
	s.Helper()
	c := offline.NewSession(s, s.listen)
	c.Client.Addr.IP = netip.AddrPortFrom(netip.MustParseAddr(ip), 1000)
	return c
}

// open begins a session from that address.
func (s *site) open(ip string) *offline.Session {
	s.Helper()
	c := s.client(ip)
	c.Advance(stream.Event{Kind: stream.Accepted})
	return c
}

// end ends a session that waits for its server.
func end(c *offline.Session) { c.Advance(stream.Event{Kind: stream.Aborted}) }

func (s *site) wantStatus(c *offline.Session, want stream.Status, variable string) {
	s.Helper()
	got, found := statusOf(c.Session)
	if c.Status != want || got != variable || found != (variable != "") {
		s.Errorf("got status %d %q, want %d %q", c.Status, got, want, variable)
	}
}

// wantLine checks that exactly one line with that text has been logged.
func (s *site) wantLine(text string) {
	s.Helper()
	if s.lines.Count(text) != 1 {
		s.Errorf("logged %q, want %q", s.lines.All(), text)
	}
}

func (s *site) wantKeys(i, want int) {
	s.Helper()
	if got := s.handler.Limits[i].Zone.Len(); got != want {
		s.Errorf("zone %d: got %d keys, want %d", i, got, want)
	}
}

func TestSessionsAreCountedUntilTheyEnd(t *testing.T) {
	s := newSite(t, &Handler{}, 2, "$binary_remote_addr")
	a, b, other := s.open("192.0.2.1"), s.open("192.0.2.1"), s.open("192.0.2.2")
	s.wantStatus(a, 0, "PASSED")
	s.wantStatus(b, 0, "PASSED")
	s.wantStatus(other, 0, "PASSED")
	s.wantKeys(0, 2)
	refused := s.open("192.0.2.1")
	s.wantStatus(refused, stream.StatusUnavailable, "REJECTED")
	s.wantLine(`[error] *1 limiting connections by zone "z0" while initializing session, client: 192.0.2.1, server: 192.0.2.100:1883`)
	end(a)
	s.wantStatus(s.open("192.0.2.1"), 0, "PASSED")
}

func TestEveryLimitHolds(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$remote_addr", "all")
	a := s.open("192.0.2.1")
	s.wantStatus(s.open("192.0.2.2"), stream.StatusUnavailable, "REJECTED")
	s.wantKeys(0, 1) // the refused session is not counted in the first zone
	end(a)
	s.wantStatus(s.open("192.0.2.2"), 0, "PASSED")
}

func TestPanicGivesPlacesBack(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$remote_addr", "$broken")
	s.wantStatus(s.open("192.0.2.1"), stream.StatusInternal, "PASSED")
	s.wantKeys(0, 0)
}

func TestDryRunLetsIn(t *testing.T) {
	s := newSite(t, &Handler{DryRun: true, Level: stream.LevelNotice}, 1, "$remote_addr", "all")
	a := s.open("192.0.2.1")
	b := s.open("192.0.2.2")
	s.wantStatus(b, 0, "REJECTED_DRY_RUN")
	s.wantLine(`[notice] *1 limiting connections, dry run, by zone "z1" while `)
	s.wantKeys(0, 1)
	end(b)
	end(a)
	s.wantKeys(0, 0)
	s.wantKeys(1, 0)
}

func TestKeysThatAreNotCounted(t *testing.T) {
	long := strings.Repeat("k", 256)
	tests := []struct{ name, key, logged string }{
		{"empty", "", "connected to"},
		{"empty by its variable", "$proxy_protocol_addr", "connected to"},
		{"too long", long, `[error] *1 the value of the "` + long + `" key is more than 255 bytes: "` + long + `" while `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, &Handler{}, 1, tt.key)
			s.wantStatus(s.open("192.0.2.1"), 0, "")
			s.wantKeys(0, 0)
			s.wantLine(tt.logged)
			s.wantStatus(s.open("192.0.2.1"), 0, "")
		})
	}
}

func TestLongestKeyIsCounted(t *testing.T) {
	s := newSite(t, &Handler{}, 1, strings.Repeat("k", 255))
	s.wantStatus(s.open("192.0.2.1"), 0, "PASSED")
	s.wantStatus(s.open("192.0.2.1"), stream.StatusUnavailable, "REJECTED")
}

func TestFullZoneRefuses(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$connection")
	z := s.handler.Limits[0].Zone
	z.Size = 32768
	if err := z.Open(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	for i, result := 0, zone.Taken; result == zone.Taken; i++ {
		_, result = z.table.Take("client "+strconv.Itoa(i), 1)
	}
	c := s.open("192.0.2.1")
	s.wantStatus(c, stream.StatusUnavailable, "REJECTED")
	if c.Lines.Count(`[crit] ngx_slab_alloc() failed: no memory in limit_conn_zone "z0"`) != 1 {
		t.Errorf("logged %q", c.Lines.All())
	}
}

// TestZoneIsEmptyInTheEnd opens and ends 10,000 sessions at random, from several goroutines.
func TestZoneIsEmptyInTheEnd(t *testing.T) {
	const workers, sessions = 4, 10_000
	s := newSite(t, &Handler{}, 3, "$remote_addr", "$server_port")
	s.handler.Limits[1].Conns = 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { s.churn(rand.New(rand.NewPCG(7, uint64(w))), sessions/workers) })
	}
	wg.Wait()
	s.wantKeys(0, 0)
	s.wantKeys(1, 0)
}

// churn opens n sessions, and ends the open ones in random order.
func (s *site) churn(rnd *rand.Rand, n int) {
	var sessions []*offline.Session
	for n > 0 || len(sessions) > 0 {
		if n > 0 && rnd.IntN(2) == 0 {
			n--
			if c := s.open("192.0.2." + string(rune('0'+rnd.IntN(10)))); c.Status == 0 {
				sessions = append(sessions, c)
			}
			continue
		}
		if i := len(sessions); i > 0 {
			i = rnd.IntN(i)
			end(sessions[i])
			sessions[i] = sessions[len(sessions)-1]
			sessions = sessions[:len(sessions)-1]
		}
	}
}

func TestReloadKeepsCounts(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$remote_addr")
	a := s.open("192.0.2.1")
	old := s.handler.Limits[0].Zone
	next := newSite(t, &Handler{}, 1, "$remote_addr")
	if err := next.handler.Limits[0].Zone.Open(t.Context(), nil, old); err != nil {
		t.Fatal(err)
	}
	next.wantStatus(next.open("192.0.2.1"), stream.StatusUnavailable, "REJECTED")
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	end(a)
	next.wantStatus(next.open("192.0.2.1"), 0, "PASSED")
	s.wantStatus(s.open("192.0.2.1"), stream.StatusUnavailable, "REJECTED")
}

func TestOpen(t *testing.T) {
	tests := []struct {
		name, key string
		size      int64
		keys      int // the number of keys taken over
		err       string
	}{
		{"the same", "$remote_addr", 1 << 20, 1, ""},
		{"another size", "$remote_addr", 2 << 20, 0, ""},
		{
			"another key", "$remote_port", 1 << 20, 0,
			`limit_conn_zone "z0" uses the "$remote_port" key while previously it used the "$remote_addr" key`,
		},
		{"another key and size", "$remote_port", 2 << 20, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, &Handler{}, 1, "$remote_addr")
			s.open("192.0.2.1")
			z := newSite(t, &Handler{}, 1, tt.key).handler.Limits[0].Zone
			z.Size = tt.size
			said := ""
			if err := z.Open(t.Context(), nil, s.handler.Limits[0].Zone); err != nil {
				said = err.Error()
			}
			if said != tt.err {
				t.Fatalf("got %q, want %q", said, tt.err)
			}
			if n := z.Len(); n != tt.keys {
				t.Errorf("got %d keys, want %d", n, tt.keys)
			}
		})
	}
}

func TestRefusalAllocatesNothing(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$remote_addr", "all")
	s.handler.Report = false
	held := s.open("192.0.2.1")
	defer end(held)
	c := s.client("192.0.2.1")
	s.listen.Default.Settings.ErrorLog = nil
	s.handler.Handle(c.Session) // evaluates the key
	if n := testing.AllocsPerRun(100, func() { s.handler.Handle(c.Session) }); n > 0 {
		t.Errorf("got %v allocations", n)
	}
}

func (s *site) wantCounts(i int, want status.LimitConnSnapshot) {
	s.Helper()
	if got := s.handler.Limits[i].Zone.Status.Snapshot(); got != want {
		s.Errorf("zone %d: got %+v, want %+v", i, got, want)
	}
}

// TestDecisionsAreCounted checks that an admitted session counts in each zone, and a refused one only
// in the zone that refuses it.
func TestDecisionsAreCounted(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$remote_addr", "all", "")
	s.open("192.0.2.1")
	s.open("192.0.2.2")
	s.open("192.0.2.1")
	s.wantCounts(0, status.LimitConnSnapshot{Passed: 1, Rejected: 1})
	s.wantCounts(1, status.LimitConnSnapshot{Passed: 1, Rejected: 1})
	s.wantCounts(2, status.LimitConnSnapshot{})
	s.handler.DryRun = true
	s.open("192.0.2.1")
	s.wantCounts(0, status.LimitConnSnapshot{Passed: 1, Rejected: 1, RejectedDryRun: 1})
}

// TestReloadKeepsDecisions checks that a zone of the same size continues the counters, and another one
// begins at 0.
func TestReloadKeepsDecisions(t *testing.T) {
	s := newSite(t, &Handler{}, 1, "$remote_addr")
	s.open("192.0.2.1")
	old := s.handler.Limits[0].Zone
	for size, want := range map[int64]int64{old.Size: 1, 2 * old.Size: 0} {
		next := &Zone{Name: old.Name, Size: size, Variable: old.Variable, Status: status.NewLimitConn(old.Name)}
		if err := next.Open(t.Context(), nil, old); err != nil {
			t.Fatal(err)
		}
		if got := next.Status.Snapshot().Passed; got != want {
			t.Errorf("got %d passed in a zone of %d bytes, want %d", got, size, want)
		}
	}
}
