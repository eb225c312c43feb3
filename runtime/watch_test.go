package runtime

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"weir/directives"
	"weir/parser"
)

// A watched directory is a configuration with its watcher.
type watched struct {
	*watcher
	t   *testing.T
	dir string
}

// watch writes files, watches nginx.conf among them and, at the end of the test, stops.
func watch(t *testing.T, files map[string]string) *watched {
	t.Helper()
	w := &watched{t: t, dir: t.TempDir()}
	for name, text := range files {
		w.write(name, text)
	}
	w.begin()
	return w
}

func (w *watched) begin() {
	w.t.Helper()
	var err error
	if w.watcher, err = newWatcher(parser.Source{Path: filepath.Join(w.dir, "nginx.conf")}, testQuiet); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.close)
}

// write puts a file in its place in one step, so that no half of it is ever seen.
func (w *watched) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	temporary := filepath.Join(filepath.Dir(path), ".new")
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(temporary, path); err != nil {
		w.t.Fatal(err)
	}
}

// link makes name lead to another place, in one step too.
func (w *watched) link(to, name string) {
	w.t.Helper()
	temporary := filepath.Join(w.dir, "..tmp")
	if err := os.Symlink(to, temporary); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) wantChange() {
	w.t.Helper()
	select {
	case <-w.changes():
	case <-time.After(patience):
		w.t.Fatal("no change was reported")
	}
}

// testQuiet stands for quietTime.
const testQuiet = 20 * time.Millisecond

// wantNone gives the watcher the time to report something.
func (w *watched) wantNone() {
	w.t.Helper()
	select {
	case <-w.changes():
		w.t.Fatal("a change was reported")
	case <-time.After(5 * testQuiet):
	}
}

func TestWatchReportsWhatMatters(t *testing.T) {
	files := map[string]string{
		"nginx.conf":    "include conf.d/*.conf; include one/site.conf;",
		"conf.d/a.conf": "events {}",
		"one/site.conf": "# one",
	}
	tests := []struct {
		name   string
		change func(w *watched)
		want   bool
	}{
		{"main file", func(w *watched) { w.write("nginx.conf", "events {}") }, true},
		{"included file", func(w *watched) { w.write("one/site.conf", "# two") }, true},
		{"file that comes to match a pattern", func(w *watched) { w.write("conf.d/b.conf", "# new") }, true},
		{"file that matches no more", func(w *watched) { os.Remove(filepath.Join(w.dir, "conf.d/a.conf")) }, true},
		{"replaced by renaming", func(w *watched) {
			w.write("one/new", "# two")
			os.Rename(filepath.Join(w.dir, "one/new"), filepath.Join(w.dir, "one/site.conf"))
		}, true},
		{"touched", func(w *watched) { os.Chtimes(filepath.Join(w.dir, "nginx.conf"), time.Time{}, time.Now()) }, false},
		{"written as it was", func(w *watched) { w.write("one/site.conf", "# one") }, false},
		{"another file", func(w *watched) { w.write("conf.d/notes.txt", "hello") }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, files)
			tt.change(w)
			if !tt.want {
				w.wantNone()
				return
			}
			w.wantChange()
		})
	}
}

func TestWatchFollowsLinksAsKubernetesSwapsThem(t *testing.T) {
	t.Parallel()
	w := &watched{t: t, dir: t.TempDir()}
	w.write("..1/nginx.conf", "include site.conf;")
	w.write("..1/site.conf", "# one")
	w.link("..1", "..data")
	w.link("..data/nginx.conf", "nginx.conf")
	w.link("..data/site.conf", "site.conf")
	w.begin()
	for _, version := range []string{"..2", "..3"} {
		w.write(version+"/nginx.conf", "include site.conf;")
		w.write(version+"/site.conf", "# "+version)
		w.link(version, "..data")
		w.wantChange()
	}
	w.write("..4/nginx.conf", "include site.conf;")
	w.write("..4/site.conf", "# ..3")
	w.link("..4", "..data")
	w.wantNone()
}

func TestWatchFollowsLinksToOtherDirectories(t *testing.T) {
	t.Parallel()
	w := &watched{t: t, dir: t.TempDir()}
	w.write("nginx.conf", "include enabled/*;")
	w.write("available/a", "# one")
	w.write("enabled/.keep", "")
	w.link("../available/a", "enabled/a")
	w.begin()
	w.write("available/a", "# two")
	w.wantChange()
}

func TestWatchReportsABrokenFileOnce(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	w.write("nginx.conf", "events {")
	w.wantChange()
	w.write("nginx.conf", "events {")
	w.wantNone()
	w.write("nginx.conf", "events {}")
	w.wantChange()
}

func TestJudgement(t *testing.T) {
	good, half, whole := print{1}, print{2}, print{3}
	type look struct {
		now    print
		broken bool
		want   judgement
	}
	tests := []struct {
		name  string
		looks []look
	}{
		{"nothing", []look{{good, false, unchanged}}},
		{"a change", []look{{whole, false, different}, {whole, false, unchanged}}},
		{"half, then the whole", []look{{half, true, suspicious}, {whole, false, different}}},
		{"half, then as before", []look{{half, true, suspicious}, {good, false, unchanged}}},
		{"broken for good", []look{{half, true, suspicious}, {half, true, different}, {half, true, unchanged}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := memory{known: good}
			for i, l := range tt.looks {
				if got := m.judge(l.now, l.broken); got != l.want {
					t.Errorf("look %d: got %d, want %d", i, got, l.want)
				}
			}
		})
	}
}

func TestWatchIsSilentAboutWhatWasLoaded(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	w.write("nginx.conf", "events { }")
	tree, _ := parser.Load(w.source)
	w.arm(&directives.Program{Tree: tree})
	w.wantNone()
}

func TestChangedFileReloads(t *testing.T) {
	b := newBench(t)
	before, after := freeAddr(t), freeAddr(t)
	w := &watched{t: t, dir: b.dir}
	w.write("nginx.conf", "events {}")
	watcher, err := newWatcher(parser.Source{Path: filepath.Join(w.dir, "nginx.conf")}, testQuiet)
	if err != nil {
		t.Fatal(err)
	}
	b.watcher = watcher
	b.serve(b.program(before))
	b.offer(b.program(after))
	w.write("nginx.conf", "events { }")
	eventually(t, "the new address is served", func() bool { return visit(after) == nil })
}
