package runtime

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"weir/parser"
)

// A watchPaths is the set of places in the file system where a change can affect the configuration: the names
// on the path to each file, through all links, the files themselves, and the names that match a pattern.
// Paths are absolute and without links. It is immutable once complete.
type watchPaths struct {
	dirs     map[string]dirUse   // directories that contain names on the path
	names    map[string]bool     // full paths
	patterns map[string][]string // by directory: patterns for the names in it
	files    map[string]bool
}

// A dirUse is the role of a directory in watchPaths.
type dirUse int

const (
	ancestor dirUse = iota + 1 // contains a directory on the path; the process may be unable to read it
	holder                     // contains a file, a link, or names that match a pattern
)

// maxHops is the number of links that Linux follows in one path.
const maxHops = 40

// newWatchPaths returns the paths of main and of all files that r has read.
func newWatchPaths(main string, r *reading) *watchPaths {
	t := &watchPaths{map[string]dirUse{}, map[string]bool{}, map[string][]string{}, map[string]bool{}}
	t.addPath(main)
	for path := range r.files {
		t.addPath(path)
	}
	for pattern := range r.globs {
		t.addPattern("/", parts(pattern))
	}
	return t
}

// affects reports whether a change at path can affect the configuration.
func (t *watchPaths) affects(path string) bool {
	if t.names[path] || t.has(path) {
		return true
	}
	dir, name := filepath.Split(path)
	for _, pattern := range t.patterns[filepath.Clean(dir)] {
		if parser.Match(pattern, name) {
			return true
		}
	}
	return false
}

// has reports whether path is a watched directory or file.
func (t *watchPaths) has(path string) bool { return t.files[path] || t.dirs[path] != 0 }

// addDir adds a directory.
func (t *watchPaths) addDir(dir string, use dirUse) { t.dirs[dir] = max(t.dirs[dir], use) }

// parts returns the names in path, after making it absolute.
func parts(path string) []string {
	if !strings.HasPrefix(path, "/") {
		if dir, err := os.Getwd(); err == nil {
			path = dir + "/" + path
		}
	}
	return strings.Split(path, "/")
}

func (t *watchPaths) addPath(path string) {
	if at, ok := t.walk("/", parts(path), maxHops); ok {
		t.files[at] = true
	}
}

// walk adds the path from the directory at along names. It returns the resolved path, and whether this is
// a regular file.
func (t *watchPaths) walk(at string, names []string, hops int) (to string, file bool) {
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		t.names[next] = true
		info, err := os.Lstat(next)
		if err == nil && info.IsDir() {
			t.addDir(at, ancestor)
		} else {
			t.addDir(at, holder)
		}
		if err != nil {
			return next, false
		}
		file = info.Mode().IsRegular()
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		link, err := os.Readlink(next)
		if hops--; err != nil || hops < 0 {
			return next, false
		}
		if filepath.IsAbs(link) {
			at = "/"
		}
		names = append(strings.Split(link, "/"), names...)
	}
	return at, file
}

// addPattern adds the places where a match of the pattern exists or may appear: below the directory at,
// along names that may be patterns.
func (t *watchPaths) addPattern(at string, names []string) {
	plain := 0
	for plain < len(names) && !strings.ContainsAny(names[plain], `*?[\`) {
		plain++
	}
	at, _ = t.walk(at, names[:plain], maxHops)
	names = names[plain:]
	if len(names) == 0 {
		return
	}
	t.addDir(at, holder)
	t.patterns[at] = append(t.patterns[at], names[0])
	if len(names) == 1 {
		return // the matches have been read
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return
	}
	for _, e := range entries {
		if parser.Match(names[0], e.Name()) {
			t.addPattern(at, append([]string{e.Name()}, names[1:]...))
		}
	}
}
