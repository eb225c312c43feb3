package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"weir/directives"
	"weir/parser"
)

// TestStaleReading tests which changes make a reading stale, and that a file with the same stamp is not
// read.
func TestStaleReading(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *reading, dir string)
		want   bool
	}{
		{"nothing", func(*reading, string) {}, false},
		{"same stamp", func(r *reading, dir string) {
			for path, f := range r.files {
				r.files[path] = fileState{stamp: f.stamp} // of another content
			}
		}, false},
		{"same stamp, but recent", func(r *reading, dir string) {
			for path, f := range r.files {
				r.files[path] = fileState{stamp: f.stamp, recent: true}
			}
		}, true},
		{"touched", func(r *reading, dir string) { os.Chtimes(filepath.Join(dir, "nginx.conf"), time.Time{}, time.Now()) }, false},
		{"other content", func(r *reading, dir string) { os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte("# two"), 0o644) }, true},
		{"removed", func(r *reading, dir string) { os.Remove(filepath.Join(dir, "nginx.conf")) }, true},
		{"matches a pattern", func(r *reading, dir string) { os.WriteFile(filepath.Join(dir, "b.list"), nil, 0o644) }, true},
		{"matches none", func(r *reading, dir string) { os.WriteFile(filepath.Join(dir, "b.txt"), nil, 0o644) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "nginx.conf")
			if err := os.WriteFile(path, []byte("include *.list;"), 0o644); err != nil {
				t.Fatal(err)
			}
			r := newReading(files{})
			parser.Load(r.source(parser.Source{Path: path}))
			tt.change(r, dir)
			if got := r.isStale(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestStateFileIsNotWatched tests that -watch does not compare the state file of a group, which weir
// writes itself, but compares the other files that directives name.
func TestStateFileIsNotWatched(t *testing.T) {
	b := newTestMaster(t)
	b.load = directives.Load
	b.watcher = newWatched(t).watcher
	write := func(name, content string) string {
		path := filepath.Join(b.dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	state, password := write("u.state", "server 127.0.0.1:1;"), write("password", "x\n")
	src := parser.Source{Path: write("nginx.conf",
		"events {} stream { ssl_password_file "+password+"; upstream u { zone u 64k; state u.state; } server { listen 1; proxy_pass u; } }")}
	try := &trial{}
	if _, found, err := b.read(t.Context(), src, try); err != nil || found.HasEmerg() {
		t.Fatal(err, found)
	}
	var got []string
	for path := range try.read.files {
		got = append(got, path)
	}
	slices.Sort(got)
	if want := []string{src.Path, password}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q without %q", got, want, state)
	}
}
