package parser

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// globFiles exist for every row of globs.
var globFiles = []string{
	"a.conf", "b.conf", "B.conf", ".hidden.conf", "a1.conf", "a-1.conf", "[x.conf", "star*.conf", "q]z",
	"d/a.conf", "d/b", "d-e/a.conf", "d.d/a.conf", ".h/a.conf", "é.conf",
}

var globs = []struct{ name, pattern, want string }{
	{"star", "*.conf", "B.conf [x.conf a-1.conf a.conf a1.conf b.conf star*.conf é.conf"},
	{"star in the middle", "a*.conf", "a-1.conf a.conf a1.conf"},
	{"stars", "*a*.c*f", "a-1.conf a.conf a1.conf star*.conf"},
	{"hidden", ".h*.conf", ".hidden.conf"},
	{"question mark", "?.conf", "B.conf a.conf b.conf"},
	{"question mark does not match a dot", "?hidden.conf", ""},
	{"question marks are bytes", "??.conf", "[x.conf a1.conf é.conf"},
	{"range", "[a-c].conf", "a.conf b.conf"},
	{"list", "[xyb].conf", "b.conf"},
	{"not", "[!b].conf", "B.conf a.conf"},
	{"not with a caret", "[^b].conf", "B.conf a.conf"},
	{"not does not match a dot", "[!x]hidden.conf", ""},
	{"class", "[[:upper:]].conf", "B.conf"},
	{"class and range", "a[[:digit:]-].conf", "a1.conf"},
	{"minus last", "a[b-]1.conf", "a-1.conf"},
	{"bracket first in brackets", "q[]]z", "q]z"},
	{"bracket without end", "[x.con?", "[x.conf"},
	{"hidden star", `star\*.con?`, "star*.conf"},
	{"directories", "d*/a.conf", "d-e/a.conf d.d/a.conf d/a.conf"},
	{"directories, not hidden", "*/*.conf", "d-e/a.conf d.d/a.conf d/a.conf"},
	{"what is no directory", "a.conf/*", ""},
	{"a missing directory", "none/*", ""},
	{"two slashes", "d//*.conf", "d//a.conf"},
	{"parent", "d/../b*.conf", "d/../b.conf"},
	{"nothing", "x*", ""},
}

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	for i, name := range globFiles {
		write(t, dir, name, "# "+strings.Repeat("x", i))
	}
	for _, row := range globs {
		t.Run(row.name, func(t *testing.T) {
			want := strings.Fields(row.want)
			paths, err := Glob(filepath.Join(dir) + "/" + row.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := relative(dir, paths); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", row.pattern, got, want)
			}
			t.Run("nginx", func(t *testing.T) {
				if got := nginxIncludes(t, dir, row.pattern); !slices.Equal(got, want) {
					t.Errorf("%s: nginx includes %q, want %q", row.pattern, got, want)
				}
			})
		})
	}
}

// relative removes dir from each path.
func relative(dir string, paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		out = append(out, strings.TrimPrefix(path, dir+"/"))
	}
	return out
}

// nginxIncludes returns the files that nginx includes for a pattern, relative to dir.
func nginxIncludes(t *testing.T, dir, pattern string) []string {
	t.Helper()
	needNginx(t)
	main := write(t, t.TempDir(), "nginx.conf", `events {} include "`+dir+"/"+strings.ReplaceAll(pattern, `\`, `\\`)+`";`)
	out, err := exec.Command(nginxBinary, "-q", "-T", "-c", main).Output()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for line := range strings.Lines(string(out)) {
		path, ok := strings.CutPrefix(strings.TrimSuffix(line, ":\n"), "# configuration file ")
		if ok && path != main {
			paths = append(paths, path)
		}
	}
	return relative(dir, paths)
}
