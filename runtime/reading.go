package runtime

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"weir/parser"
)

// A print identifies the content of all files of a configuration. The zero print is that of none.
type print [sha256.Size]byte

// A stamp is what the file system reports about a file: it changes when the content does. The zero stamp is that of a missing file.
type stamp struct {
	device, inode     uint64
	size              int64
	modified, changed int64 // nanoseconds since 1970
}

// stampOf returns the stamp of the file that path leads to.
func stampOf(path string) stamp {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return stamp{}
	}
	return stamp{uint64(st.Dev), uint64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano()}
}

// clockTick is longer than the steps in which file systems count time. A file may change again within one without a change of its
// stamp.
const clockTick = 2 * time.Second

// isRecent reports whether the file has changed shortly before the moment at.
func (s stamp) isRecent(at time.Time) bool {
	return at.UnixNano()-max(s.modified, s.changed) < int64(clockTick)
}

// A fileState is a file as it was when it was read.
type fileState struct {
	stamp  stamp
	recent bool  // the stamp does not show whether the file has changed since
	digest print // of its content, or of the reason why it cannot be read
}

// A reading is all that one load of a configuration has asked of the file system. It is made by the functions of its source, and belongs
// to one goroutine at a time.
type reading struct {
	files map[string]fileState
	globs map[string][]string // the paths that matched each pattern
}

func newReading() *reading { return &reading{map[string]fileState{}, map[string][]string{}} }

// source returns src with functions that record in r what they read.
func (r *reading) source(src parser.Source) parser.Source {
	src.ReadFile = r.readFile
	src.Glob = func(pattern string) ([]string, error) {
		paths, err := parser.Glob(pattern)
		r.globs[pattern] = paths
		return paths, err
	}
	return src
}

func (r *reading) readFile(path string) ([]byte, error) {
	s := fileState{stamp: stampOf(path)} // before the content: what changes in between is seen later
	s.recent = s.stamp.isRecent(time.Now())
	raw, err := parser.ReadFile(path)
	if err != nil {
		s.digest = sha256.Sum256([]byte(err.Error()))
	} else {
		s.digest = sha256.Sum256(raw)
	}
	r.files[path] = s
	return raw, err
}

// isStale reports whether a load would read something else now. It reads only files whose stamps have changed.
func (r *reading) isStale() bool {
	for path, before := range r.files {
		if !before.recent && before.stamp == stampOf(path) {
			continue
		}
		r.readFile(path)
		if r.files[path].digest != before.digest {
			return true
		}
	}
	for pattern, before := range r.globs {
		if now, _ := parser.Glob(pattern); !slices.Equal(now, before) {
			return true
		}
	}
	return false
}

// print returns the print of all files.
func (r *reading) print() print {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(r.files)) {
		digest := r.files[path].digest
		fmt.Fprintf(h, "%q %x\n", path, digest)
	}
	return print(h.Sum(nil))
}
