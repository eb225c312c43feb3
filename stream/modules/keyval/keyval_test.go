package keyval

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/keyval"
	"weir/stream"
	"weir/stream/offline"
)

// A site has the clock and the log of the zones of a test.
type site struct {
	*testing.T
	clock *offline.Clock
	env   *stream.Env
	lines *offline.Lines
	dir   string
}

func newSite(t *testing.T) *site {
	t.Helper()
	clock := offline.NewClock()
	env, lines := offline.NewEnv(clock.Now)
	return &site{t, clock, env, lines, t.TempDir()}
}

// path returns the path of a file of the test.
func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// zone returns a zone of 1 MB that is not open.
func zone(state string) *Zone {
	return &Zone{Keyval: &stream.Keyval{Name: "one"}, Size: 1 << 20, State: state}
}

// open opens z as the successor of old, which may be nil.
func (s *site) open(z, old *Zone) *Zone {
	s.Helper()
	var part stream.Part
	if old != nil {
		part = old
	}
	if err := z.Open(s.Context(), s.env, part); err != nil {
		s.Fatal(err)
	}
	return z
}

// runOnce runs z in a generation that retires at once.
func (s *site) runOnce(z *Zone) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	z.Run(ctx)
}

func (s *site) add(z *Zone, key, value string) {
	s.Helper()
	if err := z.Store.Add(keyval.Pair{Key: key, Value: value}); err != nil {
		s.Fatal(err)
	}
}

func (s *site) wantFile(name, want string) {
	s.Helper()
	b, err := os.ReadFile(s.path(name))
	if got := strings.ReplaceAll(string(b), "\n", ""); err != nil || got != want {
		s.Errorf("%s has %q (%v), want %q", name, got, err, want)
	}
}

func (s *site) wantNoFile(name string) {
	s.Helper()
	if _, err := os.Stat(s.path(name)); err == nil {
		s.Errorf("%s was written", name)
	}
}

func (s *site) wantPairs(z *Zone, want string) {
	s.Helper()
	var all []string
	for p := range z.Store.All() {
		all = append(all, p.Key+"="+p.Value)
	}
	if got := strings.Join(all, " "); got != want {
		s.Errorf("got the pairs %q, want %q", got, want)
	}
}

// TestVariable reads a variable in one session while the zone changes.
func TestVariable(t *testing.T) {
	s := newSite(t)
	z := s.open(zone(""), nil)
	cfg := stream.NewConfig()
	key, err := stream.ParseTemplate("client-$remote_addr", cfg.Vars)
	if err != nil {
		t.Fatal(err)
	}
	v := &Variable{Key: key, Zone: z}
	if err := cfg.Vars.Define(stream.Variable{Name: "broker", NoCache: true, Get: v.Get}); err != nil {
		t.Fatal(err)
	}
	index := cfg.Vars.Index("broker")
	if unknown := cfg.Vars.Resolve(); unknown != nil {
		t.Fatal(unknown)
	}
	session := offline.NewSession(t, &stream.Listen{Config: cfg, Default: &stream.Server{}})
	record := "client-" + session.Client.Addr.IP.Addr().String()
	want := func(want string) {
		t.Helper()
		if got, ok := session.Value(index); got != want || !ok {
			t.Errorf("got %q, %v, want %q", got, ok, want)
		}
	}
	want("")
	s.add(z, record, "a")
	want("a")
	if err := z.Store.Update(keyval.Pair{Key: record, Value: "b"}); err != nil {
		t.Error(err)
	}
	want("b")
	z.Store.Clear()
	want("")
}

func TestReloadKeepsPairs(t *testing.T) {
	s := newSite(t)
	old := s.open(zone(""), nil)
	s.add(old, "10.0.0.1", "a")

	same := zone("")
	same.Timeout = time.Minute
	s.open(same, old)
	if same.Store != old.Store {
		t.Error("a zone of the same size and type has other pairs")
	}
	s.add(old, "before", "")
	s.runOnce(same)
	s.add(same, "after", "")
	s.clock.Advance(time.Hour)
	s.wantPairs(same, "10.0.0.1=a before=")

	larger := zone("")
	larger.Size *= 2
	s.wantPairs(s.open(larger, same), "")
	typed := zone("")
	typed.Type = keyval.IP
	s.wantPairs(s.open(typed, same), "")
	s.wantPairs(s.open(zone(""), nil), "")
	s.wantPairs(same, "10.0.0.1=a before=")
}

func TestStateFile(t *testing.T) {
	s := newSite(t)
	z := s.open(zone(s.path("one")), nil)
	z.tick()
	s.wantNoFile("one")
	s.add(z, "a", "1")
	s.wantNoFile("one")
	z.tick()
	s.wantFile("one", `{"a":"1"}`)
	before, err := os.Stat(s.path("one"))
	if err != nil {
		t.Fatal(err)
	}
	s.runOnce(z)
	if after, err := os.Stat(s.path("one")); err != nil || !os.SameFile(before, after) || after.Mode() != 0o600 {
		t.Errorf("the file was written without a change, or has mode %v", after.Mode())
	}
	s.add(z, "b", "2")
	s.runOnce(z)
	s.wantFile("one", `{"a":"1","b":"2"}`)
	s.wantPairs(s.open(zone(s.path("one")), nil), "a=1 b=2")
}

// TestPace writes again later if writing takes long.
func TestPace(t *testing.T) {
	var p pace
	n, begun := 0, time.Now()
	p.spent(begun, begun.Add(interval/share))
	p.do(func() { n++ })
	if n != 1 {
		t.Error("a short task was not called at the next tick")
	}
	p.spent(begun, begun.Add(2*time.Second))
	if want := begun.Add(20 * time.Second); p.next != want {
		t.Errorf("got %v until the next call, want %v", p.next.Sub(begun), want.Sub(begun))
	}
	p.next = time.Now().Add(time.Hour)
	p.do(func() { n++ })
	if n != 1 {
		t.Error("a task was called too early")
	}
}

func TestStateFileErrorIsLoggedOnce(t *testing.T) {
	s := newSite(t)
	if err := os.Mkdir(s.path("state"), 0o755); err != nil {
		t.Fatal(err)
	}
	z := s.open(zone(s.path("state/one")), nil)
	if err := os.Remove(s.path("state")); err != nil {
		t.Fatal(err)
	}
	s.add(z, "a", "1")
	for range 3 {
		s.runOnce(z)
	}
	line := "[error] writing the state file \"" + s.path("state/one") + "\" failed (2: No such file or directory)"
	if n := s.lines.Count(line); n != 1 || len(s.lines.All()) != 1 {
		t.Errorf("got the log %q, want %q once", s.lines.All(), line)
	}
	if err := os.Mkdir(s.path("state"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.runOnce(z)
	s.wantFile("state/one", `{"a":"1"}`)
}

func TestTemporaryFilesAreRemoved(t *testing.T) {
	s := newSite(t)
	if err := os.WriteFile(s.path(".one.123.tmp"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.runOnce(s.open(zone(s.path("one")), nil))
	s.wantNoFile(".one.123.tmp")
}

func TestReloadOfStateFiles(t *testing.T) {
	s := newSite(t)
	old := s.open(zone(s.path("one")), nil)
	s.add(old, "10.0.0.1", "a")

	moved := s.open(zone(s.path("two")), old)
	s.wantNoFile("two")
	s.runOnce(moved)
	s.wantFile("two", `{"10.0.0.1":"a"}`)

	without := s.open(zone(""), moved)
	s.add(without, "10.0.0.2", "b")
	s.runOnce(without)
	s.wantFile("two", `{"10.0.0.1":"a"}`)
	s.wantPairs(without, "10.0.0.1=a 10.0.0.2=b")
}

// TestZoneOfAnotherSizeContinuesTheStateFile also checks that the old zone, which ends later, does not
// write the file any more.
func TestZoneOfAnotherSizeContinuesTheStateFile(t *testing.T) {
	s := newSite(t)
	old := s.open(zone(s.path("one")), nil)
	s.add(old, "10.0.0.1", "a")
	larger := zone(s.path("one"))
	larger.Size, larger.Type = 2<<20, keyval.IP
	s.open(larger, old)
	s.wantPairs(larger, "10.0.0.1=a")
	s.wantNoFile("one")
	s.runOnce(larger)
	s.add(larger, "10.0.0.2", "b")
	s.runOnce(larger)
	s.add(old, "10.0.0.3", "c")
	s.runOnce(old)
	s.wantFile("one", `{"10.0.0.1":"a","10.0.0.2":"b"}`)

	s.add(old, "mqtt", "d")
	typed := zone(s.path("one"))
	typed.Type = keyval.IP
	err := typed.Open(t.Context(), s.env, old)
	if want := `keyval_zone "one": invalid key format "mqtt"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOpenErrors(t *testing.T) {
	s := newSite(t)
	if err := os.WriteFile(s.path("half"), []byte("{\n\"a\":\"1\",\n\"b\""), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("huge"), []byte(strings.Repeat(" ", int(keyval.MaxState(1<<20))+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ file, want string }{
		{"half", "json error in " + s.path("half") + ":3"},
		{"huge", "more data than the zone has room for in " + s.path("huge") + ":1"},
		{"no/file", "open() \"" + s.path("no/file") + "\" failed (2: No such file or directory)"},
		{"half/file", "open() \"" + s.path("half/file") + "\" failed (20: Not a directory)"},
		{".", "open() \"" + s.dir + "\" failed (not a regular file)"},
	}
	for _, tt := range tests {
		err := zone(s.path(tt.file)).Open(t.Context(), s.env, nil)
		if want := `keyval_zone "one": ` + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", tt.file, err, want)
		}
	}
}

// TestConcurrentReloads changes a zone and looks it up while configurations replace each other.
func TestConcurrentReloads(t *testing.T) {
	s := newSite(t)
	current := s.open(zone(s.path("one")), nil)
	s.add(current, "stays", "1")
	store := current.Store
	done := make(chan struct{})
	var users sync.WaitGroup
	for w := range 3 {
		users.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				key := fmt.Sprint(w, i%10)
				store.Add(keyval.Pair{Key: key})
				store.Delete(key)
				if v, _ := store.Lookup("stays"); v != "1" {
					t.Errorf("got %q", v)
					return
				}
			}
		})
	}
	var runs sync.WaitGroup
	stop := func() {}
	for range 30 {
		next := s.open(zone(s.path("one")), current)
		ctx, cancel := context.WithCancel(t.Context())
		runs.Go(func() { next.Run(ctx) })
		next.tick()
		stop()
		stop, current = cancel, next
	}
	close(done)
	users.Wait()
	stop()
	runs.Wait()
	s.wantPairs(s.open(zone(s.path("one")), nil), "stays=1")
	if current.Store != store {
		t.Error("a reload replaced the pairs")
	}
}

// TestSystemClockIsSet checks that a pair expires after the timeout, even if the system clock is set.
func TestSystemClockIsSet(t *testing.T) {
	for _, back := range []int{3600, -3600} {
		clock := offline.NewRunningClock()
		store := keyval.New(keyval.Options{Name: "one", Size: 1 << 20, Timeout: time.Minute, Now: clock.Now})
		if err := store.Add(keyval.Pair{Key: "a", Value: "1"}); err != nil {
			t.Fatal(err)
		}
		clock.SetBack(t, back)
		if _, ok := store.Get("a"); !ok {
			t.Errorf("set back by %d s: the pair has expired at once", back)
		}
		clock.Advance(time.Minute)
		if _, ok := store.Get("a"); ok {
			t.Errorf("set back by %d s: the pair has not expired after the timeout", back)
		}
	}
}
