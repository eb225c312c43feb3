package runtime

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/testwait"
	"weir/parser"
	"weir/stream"
)

// watched is a configuration directory with its watcher.
type watched struct {
	*watcher
	t   *testing.T
	dir string
	log *recorder
}

// testPace replaces usualPace.
var testPace = watchPace{
	quiet: 20 * time.Millisecond, broken: 60 * time.Millisecond, longest: time.Second, writing: 2 * testwait.Patience,
	poll: 20 * time.Millisecond, check: 2 * testwait.Patience, retry: 10 * time.Millisecond, slowest: 20 * time.Millisecond,
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, dir: t.TempDir(), log: &recorder{}}
	log := &currentLog{}
	log.Store(w.log.log())
	w.watcher = newWatcher(parser.Source{Path: filepath.Join(w.dir, "nginx.conf")}, testPace, log)
	return w
}

// watch writes files, watches the nginx.conf among them, and stops at the end of the test.
func watch(t *testing.T, files map[string]string) *watched {
	t.Helper()
	w := newWatched(t)
	for name, text := range files {
		w.write(name, text)
	}
	w.serve()
	return w
}

// serve starts the watcher with the present files as the running configuration. After the watcher has
// taken that a second time, it watches.
func (w *watched) serve() {
	w.t.Helper()
	w.start()
	w.t.Cleanup(w.close)
	w.note(trial{read: w.read(), served: true})
	w.note(trial{read: w.read(), served: true})
}

func (w *watched) read() *reading {
	r := newReading(files{})
	parser.Load(r.source(w.source))
	return r
}

func (w *watched) path(name string) string { return filepath.Join(w.dir, name) }

// write replaces a file in one step, so that no reader sees half of it.
func (w *watched) write(name, text string) {
	w.t.Helper()
	path := w.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	temporary := filepath.Join(filepath.Dir(path), ".new")
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.move(temporary, path)
}

func (w *watched) move(from, to string) {
	w.t.Helper()
	if err := os.Rename(from, to); err != nil {
		w.t.Fatal(err)
	}
}

// overwrite writes to a file in place and leaves it open.
func (w *watched) overwrite(name, text string) *os.File {
	w.t.Helper()
	f, err := os.Create(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
	return f
}

// link makes name a link to another place, also in one step.
func (w *watched) link(to, name string) {
	w.t.Helper()
	temporary := w.path("..tmp")
	if err := os.Symlink(to, temporary); err != nil {
		w.t.Fatal(err)
	}
	w.move(temporary, w.path(name))
}

// wantChange waits for a report, and loads the new configuration successfully.
func (w *watched) wantChange() {
	w.t.Helper()
	w.want(onChange)
	w.note(trial{read: w.read(), served: true})
}

func (w *watched) want(o reloadReason) {
	w.t.Helper()
	select {
	case got := <-w.changes():
		if got != o {
			w.t.Fatalf("reported %q, want %q", got, o)
		}
	case <-time.After(testwait.Patience):
		w.t.Fatalf("nothing was reported, want %q", o)
	}
}

// wantNone gives the watcher time to report something.
func (w *watched) wantNone() {
	w.t.Helper()
	select {
	case o := <-w.changes():
		w.t.Fatalf("reported %q, want nothing", o)
	case <-time.After(5 * testPace.quiet):
	}
}

func TestWatchReportsRelevantChanges(t *testing.T) {
	files := map[string]string{
		"nginx.conf":     "include conf.d/*.conf; include one/site.conf; include sites/*/x.conf;",
		"conf.d/a.conf":  "events {}",
		"one/site.conf":  "# one",
		"sites/1/x.conf": "# one",
	}
	tests := []struct {
		name   string
		change func(w *watched)
		want   bool
	}{
		{"main file", func(w *watched) { w.write("nginx.conf", "events {}") }, true},
		{"included file", func(w *watched) { w.write("one/site.conf", "# two") }, true},
		{"in place", func(w *watched) { w.overwrite("one/site.conf", "# two").Close() }, true},
		{"file that comes to match a pattern", func(w *watched) { w.write("conf.d/b.conf", "# new") }, true},
		{"directory that comes to match a pattern", func(w *watched) { w.write("sites/2/x.conf", "# new") }, true},
		{"file that matches no more", func(w *watched) { os.Remove(w.path("conf.d/a.conf")) }, true},
		{"replaced by renaming", func(w *watched) {
			w.write("one/new", "# two")
			w.move(w.path("one/new"), w.path("one/site.conf"))
		}, true},
		{"directory replaced", func(w *watched) {
			w.write("two/site.conf", "# two")
			w.move(w.path("one"), w.path("old"))
			w.move(w.path("two"), w.path("one"))
		}, true},
		{"touched", func(w *watched) { os.Chtimes(w.path("nginx.conf"), time.Time{}, time.Now()) }, false},
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

// TestWatchFollowsParentDirectories tests that a directory above that of the configuration may be replaced.
func TestWatchFollowsParentDirectories(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.source.Path = w.path("a/b/c/nginx.conf")
	w.write("a/b/c/nginx.conf", "# one")
	w.serve()
	w.write("new/b/c/nginx.conf", "# two")
	w.move(w.path("a"), w.path("old"))
	w.move(w.path("new"), w.path("a"))
	w.wantChange()
	w.write("a/b/c/nginx.conf", "# three")
	w.wantChange()
}

func TestWatchFollowsKubernetesLinks(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("..1/nginx.conf", "include site.conf;")
	w.write("..1/site.conf", "# one")
	w.link("..1", "..data")
	w.link("..data/nginx.conf", "nginx.conf")
	w.link("..data/site.conf", "site.conf")
	w.serve()
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
	w := newWatched(t)
	w.write("nginx.conf", "include enabled/*;")
	w.write("available/a", "# one")
	w.write("enabled/.keep", "")
	w.link("../available/a", "enabled/a")
	w.serve()
	w.write("available/a", "# two")
	w.wantChange()
}

// TestWatchDetectsACreatedFile tests that a missing include is tried again when the file appears,
// together with its directories.
func TestWatchDetectsACreatedFile(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("nginx.conf", "include not/yet/there.conf;")
	w.serve()
	w.write("not/yet/there.conf", "events {}")
	w.wantChange()
}

// TestWatchIgnoresWritesToOtherFiles tests that other files in the directory may be written all the time.
func TestWatchIgnoresWritesToOtherFiles(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				os.WriteFile(w.path("access.log"), []byte("line\n"), 0o644)
				time.Sleep(time.Millisecond)
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	w.write("nginx.conf", "events { }")
	w.wantChange()
}

// TestWatchLimitsTheQuietPeriod tests that a file that is replaced all the time is read in the end.
func TestWatchLimitsTheQuietPeriod(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	var reported bool
	for end := time.Now().Add(testwait.Patience); !reported && time.Now().Before(end); {
		w.write("nginx.conf", "# "+time.Now().String())
		select {
		case <-w.changes():
			reported = true
		case <-time.After(testPace.quiet / 10):
		}
	}
	if !reported {
		t.Error("no change was reported")
	}
}

// TestNoticesDoNotShortenTheWaitForABrokenFile looks at a broken file again, as after a second notice of
// its change.
func TestNoticesDoNotShortenTheWaitForABrokenFile(t *testing.T) {
	w := newWatched(t)
	w.write("nginx.conf", "events {}")
	w.recordTrial(trial{read: w.read(), served: true})
	w.write("nginx.conf", "events {")
	began := time.Now()
	for _, after := range []time.Duration{0, w.pace.quiet, w.pace.broken - 1} {
		if got := w.decide(began.Add(after)); got != noReload {
			t.Fatalf("reported %q after %v", got, after)
		}
		if want := began.Add(w.pace.broken); !w.readAt.Equal(want) {
			t.Errorf("the next look is at %v, want %v", w.readAt, want)
		}
	}
	if got := w.decide(w.readAt); got != onChange {
		t.Errorf("reported %q after %v, want %q", got, w.pace.broken, onChange)
	}
}

func TestWatchReportsABrokenFileOnce(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	w.write("nginx.conf", "events {")
	w.want(onChange)
	w.note(trial{read: w.read()})
	w.write("nginx.conf", "events {")
	w.wantNone()
	w.write("nginx.conf", "events { }")
	w.wantChange()
}

// TestWatchIgnoresARevertedChange tests that there is no reload if the files are those of the
// running configuration again.
// TestWatchReportsNamedFiles tests that files which directives name are watched too, those that are missing
// as well, and still after a change of the configuration.
func TestWatchReportsNamedFiles(t *testing.T) {
	w := watch(t, map[string]string{"nginx.conf": "events {}", "server.crt": "one"})
	load := func() {
		r := w.read()
		read := r.recording(os.ReadFile)
		read(w.path("server.crt"))
		read(w.path("missing.crt"))
		r.isComplete.Store(true)
		read(w.path("later.mmdb"))
		w.note(trial{read: r, served: true})
	}
	load()
	w.write("later.mmdb", "database")
	w.wantNone()
	w.write("server.crt", "two")
	w.want(onChange)
	load()
	w.write("missing.crt", "three")
	w.want(onChange)
	load()
	w.write("nginx.conf", "events { }")
	w.want(onChange)
	w.write("server.crt", "four")
	w.want(onChange)
}

func TestWatchIgnoresARevertedChange(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	w.write("nginx.conf", "wrong;")
	w.want(onChange)
	w.note(trial{read: w.read()})
	w.write("nginx.conf", "events {}")
	w.wantNone()
}

func TestWatchIgnoresTheLoadedConfiguration(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	w.write("nginx.conf", "events { }")
	w.note(trial{read: w.read(), served: true})
	w.wantNone()
}

func TestWatchRetriesAFailedReload(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "events {}"})
	for range 4 {
		w.note(trial{read: w.read(), passes: true})
		w.want(onRetry)
	}
	w.note(trial{read: w.read(), passes: true})
	w.write("nginx.conf", "events { }")
	for o := range w.changes() {
		if o == onChange {
			break
		}
	}
	w.note(trial{read: w.read()})
	w.wantNone()
	w.note(trial{read: w.read(), passes: true})
	w.note(trial{read: w.read(), served: true})
	w.wantNone()
}

// TestWatchPollsWithoutNotices tests that the watcher polls the files if changes are not reported.
func TestWatchPollsWithoutNotices(t *testing.T) {
	tests := map[string]func() (notifier, error){
		"no notifier":    func() (notifier, error) { return nil, errors.New("none is left") },
		"no place":       func() (notifier, error) { return silentNotifier{err: errors.New("none is left")}, nil },
		"notices missed": func() (notifier, error) { return silentNotifier{out: lostNotice()}, nil },
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t)
			w.open = open
			w.write("nginx.conf", "include site.conf;")
			w.write("site.conf", "# one")
			w.serve()
			w.write("site.conf", "# two")
			w.wantChange()
			w.write("nginx.conf", "include *.conf;")
			w.wantChange()
			if lines := w.log.take(); len(lines) != 1 || !strings.HasSuffix(lines[0], "-watch polls for changes every 20ms") {
				t.Errorf("logged %q, want one warning", lines)
			}
		})
	}
}

// A silentNotifier notifier reports nothing.
type silentNotifier struct {
	out chan notice
	err error
}

func (d silentNotifier) notices() <-chan notice          { return d.out }
func (d silentNotifier) watch(*watchPaths) (bool, error) { return false, d.err }
func (d silentNotifier) close()                          {}

// lostNotice returns a channel with one notice that others are missing.
func lostNotice() chan notice {
	out := make(chan notice, 1)
	out <- notice{kind: noticeLost}
	return out
}

func TestChangedFileReloads(t *testing.T) {
	b := newTestMaster(t)
	before, after := freeAddr(t), freeAddr(t)
	w := newWatched(t)
	b.watcher, b.source = w.watcher, w.source
	w.write("nginx.conf", "events {}")
	w.start()
	b.serve(b.program(before))
	b.setProgram(b.program(after))
	w.write("nginx.conf", "events { }")
	testwait.Eventually(t, "the new address is served", func() bool { return visit(after) == nil })
}

// TestFailedReloadIsRetried tests that an address in use is bound after it becomes free, without a
// further change.
func TestFailedReloadIsRetried(t *testing.T) {
	b := newTestMaster(t)
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	after := stream.Addr{IP: addrOfListener(used)}
	w := newWatched(t)
	b.watcher, b.source = w.watcher, w.source
	w.write("nginx.conf", "events {}")
	w.start()
	b.serve(b.program(freeAddr(t)))
	b.setProgram(b.program(after))
	w.write("nginx.conf", "events { }")
	testwait.Eventually(t, "the address is in use", func() bool { return b.log.has("[emerg] still could not bind()") })
	used.Close()
	testwait.Eventually(t, "the new address is served", func() bool { return visit(after) == nil })
}
