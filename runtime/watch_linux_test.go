package runtime

import (
	"os"
	"testing"
)

// TestWatchWaitsUntilAFileIsClosed tests that a file is not read while a program has it open for writing.
func TestWatchWaitsUntilAFileIsClosed(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"old file": {"nginx.conf": "include *.list;", "servers.list": "# one"},
		"new file": {"nginx.conf": "include *.list;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, files)
			f := w.overwrite("servers.list", "# half\n")
			w.wantNone()
			if _, err := f.WriteString("# whole\n"); err != nil {
				t.Fatal(err)
			}
			w.wantNone()
			f.Close()
			w.wantChange()
		})
	}
}

// TestWatchStopsWaitingAfterTheLimit tests that a file that stays open for writing is read in the end.
func TestWatchStopsWaitingAfterTheLimit(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.pace.writing = 5 * w.pace.quiet
	w.write("nginx.conf", "# one")
	w.serve()
	defer w.overwrite("nginx.conf", "# two").Close()
	w.wantChange()
}

// TestWatchDetectsARenamedFile tests that a file may be written through a name in another directory:
// that of a bind mount, or another link.
func TestWatchDetectsARenamedFile(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.write("nginx.conf", "# one")
	w.write("elsewhere/.keep", "")
	if err := os.Link(w.path("nginx.conf"), w.path("elsewhere/nginx.conf")); err != nil {
		t.Fatal(err)
	}
	w.serve()
	w.overwrite("elsewhere/nginx.conf", "# two").Close()
	w.wantChange()
}

// TestNewLinkToTheSameFileIsNoChange tests that the watcher does not wait after the creation of a name that no
// program writes to.
func TestNewLinkToTheSameFileIsNoChange(t *testing.T) {
	t.Parallel()
	w := watch(t, map[string]string{"nginx.conf": "include *.list;", "a": "# one"})
	if err := os.Link(w.path("a"), w.path("a.list")); err != nil {
		t.Fatal(err)
	}
	w.wantChange()
	if err := os.Symlink("a", w.path("b.list")); err != nil {
		t.Fatal(err)
	}
	w.wantChange()
}
