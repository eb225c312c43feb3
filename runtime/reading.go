package runtime

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"weir/parser"
)

// A digest identifies the content of all files of a configuration. The zero print is that of no
// configuration.
type digest [sha256.Size]byte

// A stamp is the file system's metadata of a file: it changes when the content does. The zero stamp is
// that of a missing file.
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

// clockTick is longer than the time resolution of file systems. A file may change twice within that time
// without a change of its stamp.
const clockTick = 2 * time.Second

// isRecent reports whether the file changed shortly before at.
func (s stamp) isRecent(at time.Time) bool {
	return at.UnixNano()-max(s.modified, s.changed) < int64(clockTick)
}

// A fileState is the state of a file when it was read.
type fileState struct {
	stamp  stamp
	recent bool   // the stamp does not show whether the file has changed since then
	digest digest // of its content, or of the error of reading it
}

// A reading records everything that one load of a configuration read from the file system. The functions
// of its source, and those of recording, fill it. It belongs to one goroutine at a time.
type reading struct {
	files map[string]fileState
	globs map[string][]string     // the paths that matched each pattern
	named map[string]readFileFunc // the files among files that directives name, such as certificates
	from  files                   // where files are read
	// isComplete is set at the end of the load: a database reads its file again while the configuration
	// is in use, and in another goroutine.
	isComplete atomic.Bool
}

// A readFileFunc returns the content of a file.
type readFileFunc func(path string) ([]byte, error)

func newReading(from files) *reading {
	return &reading{from: from, files: map[string]fileState{}, globs: map[string][]string{}, named: map[string]readFileFunc{}}
}

// source returns src with functions that record their results in r.
func (r *reading) source(src parser.Source) parser.Source {
	src.ReadFile = r.readFile
	src.Glob = func(pattern string) ([]string, error) {
		paths, err := r.from.glob(pattern)
		r.globs[pattern] = paths
		return paths, err
	}
	return src
}

// recording returns read, the function for the files that directives name, with its results in r until
// r is complete. Pipes and devices are not recorded: they cannot be read again.
func (r *reading) recording(read readFileFunc) readFileFunc {
	return func(path string) ([]byte, error) {
		if info, err := os.Stat(path); r.isComplete.Load() || err == nil && !info.Mode().IsRegular() {
			return read(path)
		}
		r.named[path] = read
		return r.record(path, read)
	}
}

// readNamed reads the files that directives of an earlier reading name.
func (r *reading) readNamed(earlier *reading) {
	for path, read := range earlier.named {
		r.named[path] = read
		r.record(path, read)
	}
}

func (r *reading) readFile(path string) ([]byte, error) { return r.record(path, r.from.readConf) }

func (r *reading) record(path string, read readFileFunc) ([]byte, error) {
	s := fileState{stamp: stampOf(path)} // before the content, so that a change in between is noticed later
	s.recent = s.stamp.isRecent(time.Now())
	raw, err := read(path)
	if err != nil {
		s.digest = sha256.Sum256([]byte(err.Error()))
	} else {
		s.digest = sha256.Sum256(raw)
	}
	r.files[path] = s
	return raw, err
}

// isStale reports whether a load would now read other content. It reads only files with changed stamps.
func (r *reading) isStale() bool {
	for path, before := range r.files {
		if !before.recent && before.stamp == stampOf(path) {
			continue
		}
		if read := r.named[path]; read != nil {
			r.record(path, read)
		} else {
			r.readFile(path)
		}
		if r.files[path].digest != before.digest {
			return true
		}
	}
	for pattern, before := range r.globs {
		if now, _ := r.from.glob(pattern); !slices.Equal(now, before) {
			return true
		}
	}
	return false
}

// digest returns the print of all files.
func (r *reading) digest() digest {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(r.files)) {
		digest := r.files[path].digest
		fmt.Fprintf(h, "%q %x\n", path, digest)
	}
	return digest(h.Sum(nil))
}
