package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
)

const (
	// dirMask selects the events of names in a directory. It excludes IN_MODIFY: a log in the same
	// directory costs nothing.
	dirMask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE | unix.IN_ATTRIB |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
	// fileMask selects the events of a file, regardless of the name through which it is written: a bind
	// mount has another name in another directory.
	fileMask = unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
)

// An inotify is the notifier for Linux.
type inotify struct {
	queue   *os.File
	out     chan notice
	done    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	numbers map[string]int   // the kernel's watch number of each path
	paths   map[int][]string // several if paths lead to one inode
}

// newNotifier returns a notifier that watches nothing yet.
func newNotifier() (notifier, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify_init1() failed%s", errorlog.Errno(err))
	}
	n := &inotify{
		queue: os.NewFile(uintptr(fd), "inotify"), out: make(chan notice), done: make(chan struct{}),
		numbers: map[string]int{}, paths: map[int][]string{},
	}
	n.running.Go(n.run)
	return n, nil
}

func (n *inotify) notices() <-chan notice { return n.out }

func (n *inotify) close() {
	close(n.done)
	n.queue.Close()
	n.running.Wait()
}

func (n *inotify) watch(t *watchPaths) (added bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for path := range n.numbers {
		if !t.has(path) {
			n.remove(path)
		}
	}
	for path, use := range t.dirs {
		isNew, failed := n.add(path, dirMask)
		added = added || isNew
		if use == holder {
			err = errors.Join(err, failed)
		}
	}
	for path := range t.files {
		isNew, failed := n.add(path, fileMask)
		added, err = added || isNew, errors.Join(err, failed)
	}
	return added, err
}

// add watches path, which may now be another directory or file. The caller holds mu.
func (n *inotify) add(path string, mask uint32) (added bool, err error) {
	number, err := n.addWatch(path, mask)
	if err != nil {
		n.remove(path)
		if isMissing(err) || mask == fileMask && errors.Is(err, unix.EACCES) {
			return false, nil // a later change produces a notice of its directory
		}
		return false, fmt.Errorf("inotify_add_watch(\"%s\") failed%s", path, errorlog.Errno(err))
	}
	if before, known := n.numbers[path]; known && before == number {
		return false, nil
	}
	n.remove(path)
	n.numbers[path] = number
	n.paths[number] = append(n.paths[number], path)
	return true, nil
}

func isMissing(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

func (n *inotify) addWatch(path string, mask uint32) (number int, err error) {
	control, err := n.queue.SyscallConn()
	if err != nil {
		return 0, err
	}
	outer := control.Control(func(fd uintptr) { number, err = unix.InotifyAddWatch(int(fd), path, mask) })
	if outer != nil {
		return 0, outer
	}
	return number, err
}

// remove ends the watch of path, unless another path has the same one. The caller holds mu.
func (n *inotify) remove(path string) {
	number, known := n.numbers[path]
	if !known {
		return
	}
	delete(n.numbers, path)
	rest := slices.DeleteFunc(n.paths[number], func(p string) bool { return p == path })
	if len(rest) > 0 {
		n.paths[number] = rest
		return
	}
	delete(n.paths, number)
	if control, err := n.queue.SyscallConn(); err == nil {
		control.Control(func(fd uintptr) { unix.InotifyRmWatch(int(fd), uint32(number)) })
	}
}

// run forwards events until the queue is closed.
func (n *inotify) run() {
	buffer := make([]byte, 64<<10)
	for {
		size, err := n.queue.Read(buffer)
		if err != nil {
			return
		}
		for events := buffer[:size]; len(events) >= unix.SizeofInotifyEvent; {
			number := int(int32(binary.NativeEndian.Uint32(events)))
			mask := binary.NativeEndian.Uint32(events[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
			name := unix.ByteSliceToString(events[unix.SizeofInotifyEvent:end])
			events = events[end:]
			if !n.pass(number, mask, name) {
				return
			}
		}
	}
}

// pass delivers one event, and reports whether others may follow.
func (n *inotify) pass(number int, mask uint32, name string) bool {
	if mask&unix.IN_Q_OVERFLOW != 0 {
		return n.deliver(notice{kind: noticeLost})
	}
	for _, path := range n.pathsOf(number, mask) {
		path = filepath.Join(path, name)
		if !n.deliver(notice{kindOf(mask, path), path}) {
			return false
		}
	}
	return true
}

func (n *inotify) deliver(one notice) bool {
	select {
	case n.out <- one:
		return true
	case <-n.done:
		return false
	}
}

// pathsOf returns the paths that an event is about. IN_IGNORED is the last event of a watch.
func (n *inotify) pathsOf(number int, mask uint32) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	paths := slices.Clone(n.paths[number])
	if mask&unix.IN_IGNORED != 0 {
		for _, path := range paths {
			delete(n.numbers, path)
		}
		delete(n.paths, number)
	}
	return paths
}

func kindOf(mask uint32, path string) noticeKind {
	switch {
	case mask&(unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO) != 0:
		return noticeWritten
	case mask&unix.IN_MODIFY != 0:
		return noticeWriting
	case mask&unix.IN_CREATE != 0 && isNewFile(path):
		return noticeWriting
	}
	return noticeChanged
}

// isNewFile reports whether a created name is a new file that its creator must still close: not a
// directory and not a link.
func isNewFile(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 1
}
