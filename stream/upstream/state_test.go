package upstream_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/stream/offline"
	"weir/stream/upstream"
)

// stateGroup returns an open group with a state file, the path of the file and the log.
func stateGroup(t *testing.T, method upstream.Method, named ...*upstream.DynamicServer) (*upstream.Group, string, *offline.Lines) {
	t.Helper()
	g := upstream.NewZoneGroup("u", upstream.Zone{Name: "z"}, nil, method, named, upstream.Resolving{})
	path := filepath.Join(t.TempDir(), "u.state")
	g.SetState(path)
	env, lines := offline.NewEnv(time.Now)
	if err := g.Open(t.Context(), env, nil); err != nil {
		t.Fatal(err)
	}
	return g, path, lines
}

func checkState(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the state file contains\n%s\nwant\n%s", got, want)
	}
}

// TestStateFile checks the lines of the file after edits.
func TestStateFile(t *testing.T) {
	n := dynamicServer("mqtt")
	n.Template.Server = "b.example"
	g, path, _ := stateGroup(t, upstream.RoundRobin, n)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file exists before the first edit")
	}
	mustAdd(t, g, address(1))
	mustAdd(t, g, with(address(2), func(c *upstream.Change) {
		*c = upstream.Change{
			Server: c.Server, Weight: new(2), MaxConns: new(3), MaxFails: new(0), Down: new(true), Backup: new(true),
			FailTimeout: &upstream.Span{Text: "1m", Length: time.Minute}, SlowStart: &upstream.Span{Text: "10s", Length: 10 * time.Second},
		}
	}))
	checkState(t, path, `server b.example service=mqtt resolve;
server 10.0.0.1:1883;
server 10.0.0.2:1883 weight=2 max_conns=3 max_fails=0 fail_timeout=1m slow_start=10s backup down;
`)
	if _, err := g.Remove(0); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Patch(2, upstream.Change{Weight: new(1), Down: new(false), Drain: new(true), MaxFails: new(1)}); err != nil {
		t.Fatal(err)
	}
	const last = "server 10.0.0.1:1883;\nserver 10.0.0.2:1883 max_conns=3 fail_timeout=1m slow_start=10s backup drain;\n"
	checkState(t, path, last)
	checkEdit(t, remove(9)(g), `404 UpstreamServerNotFound server with ID "9" does not exist`)
	checkState(t, path, last)
	if got := g.StateFile(); got != path {
		t.Errorf("got path %q", got)
	}
}

// TestStateFileFailure checks that an edit applies although the file cannot be written, and that the
// next edit writes it.
func TestStateFileFailure(t *testing.T) {
	g, path, lines := stateGroup(t, upstream.RoundRobin)
	dir := filepath.Dir(path)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, g, address(1))
	if got := strings.Join(lines.All(), "\n"); !strings.Contains(got, `state of upstream "u" could not be saved`) {
		t.Errorf("got log %q", got)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, g, address(2))
	checkState(t, path, "server 10.0.0.1:1883;\nserver 10.0.0.2:1883;\n")
}

// TestConcurrentEdits checks that the file has every edit when the last one has returned.
func TestConcurrentEdits(t *testing.T) {
	g, path, _ := stateGroup(t, upstream.RoundRobin)
	var edits sync.WaitGroup
	for n := range 16 {
		edits.Go(func() { mustAdd(t, g, address(n)) })
	}
	edits.Wait()
	var want strings.Builder
	for _, s := range g.Servers() {
		fmt.Fprintf(&want, "server %s;\n", s.Server)
	}
	checkState(t, path, want.String())
}
