package runtime

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/errorlog"
)

// newTestChannel returns a channel that answers with a name, and its log.
func newTestChannel(t *testing.T, name string) *channel {
	t.Helper()
	log := &currentLog{}
	log.Store(errorlog.New(nil, 0))
	c := &channel{log: log, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"error":"` + name + `"}`))
	})}
	t.Cleanup(c.close)
	return c
}

// wantChannel checks which channel answers; empty for none.
func wantChannel(t *testing.T, pid, name string) {
	t.Helper()
	_, err := ask(channelClient(pid), http.MethodGet, drainPath, nil)
	got := err.Error()
	if name == "" {
		name = "cannot reach the running process"
	}
	if !strings.HasPrefix(got, name) {
		t.Errorf("got %q, want %q", got, name)
	}
}

// TestChannel checks that the channel follows the pid file, and that a new binary takes it over, also in a
// directory with a long name.
func TestChannel(t *testing.T) {
	for _, dir := range []string{"d", strings.Repeat("d", 120)} {
		dir = filepath.Join(t.TempDir(), dir)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		first, second := filepath.Join(dir, "1.pid"), filepath.Join(dir, "2.pid")
		wantChannel(t, first, "")
		old, later := newTestChannel(t, "old"), newTestChannel(t, "new")
		old.moveTo(first)
		old.moveTo(first)
		wantChannel(t, first, "old")
		if info, err := os.Stat(first + channelSuffix); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v", info, err)
		}
		old.moveTo(second)
		wantChannel(t, first, "")
		wantChannel(t, second, "old")
		later.moveTo(second)
		wantChannel(t, second, "new")
		old.close()
		wantChannel(t, second, "new")
		old.moveTo(second)
		later.close()
		wantChannel(t, second, "old")
		old.close()
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("the directory has %v, %v", left, err)
		}
	}
}

// TestNoChannel checks that a channel that cannot be opened is no failure.
func TestNoChannel(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "none", "1.pid")
	c := newTestChannel(t, "x")
	c.moveTo(pid)
	wantChannel(t, pid, "")
}
