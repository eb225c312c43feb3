package logfile

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A File is one log file: a regular file, a pipe or a device, opened for appending only. One
// goroutine opens, writes, reopens and closes it, in the order of the requests, so that no other
// goroutine waits for it.
type File struct {
	Queue
	opener  Opener
	waiting bool // for a reader of the pipe, since the request to open the file
	pieces  int  // the maximum number of bytes per write call; 0 means no limit
	packer  packer
	opened  func(*os.File) // receives the open file; may be nil
	closing chan struct{}  // closed when no caller waits for the file any more
	stop    sync.Once      // closes closing

	reopening atomic.Bool // a reopening is requested and has not begun
	file      atomic.Pointer[os.File]
}

func newFile(path string) *File {
	f := &File{closing: make(chan struct{})}
	f.Queue.init(path, f.writeBatch)
	return f
}

// Path returns the file's name as it was opened.
func (f *File) Path() string { return f.name }

// Buffer sets the buffering of Put for all users of the file. It returns false and changes nothing
// if the file already has a different buffering, because there is only one buffer. Call it while
// compiling the configuration.
func (f *File) Buffer(b Buffering) bool {
	if f.buffer.Size > 0 {
		return f.buffer == b
	}
	f.buffer = b
	return true
}

// OnOpen calls use with the open file now and after each reopening, from the writing goroutine. use
// must not keep the file. nil stops the calls.
func (f *File) OnOpen(use func(*os.File)) {
	f.after(func() {
		f.opened = use
		f.reportOpen()
	})
}

// reportOpen calls the function of OnOpen if the file is open.
func (f *File) reportOpen() {
	if file := f.file.Load(); file != nil && f.opened != nil {
		f.opened(file)
	}
}

// openFirst opens the file before its first line. A pipe without a reader is opened once it has
// one.
func (f *File) openFirst(open Opener) error {
	file, err := open(f.name)
	f.waiting = isPipeWithoutReader(f.name, err)
	if err != nil && !f.waiting {
		return err
	}
	f.opener = open
	if file != nil {
		f.use(file)
	}
	f.mu.Lock()
	f.open = true
	f.mu.Unlock()
	return nil
}

// isPipeWithoutReader reports whether err, from opening path, means that path names a pipe without
// a reader, so that a later attempt may succeed.
func isPipeWithoutReader(path string, err error) bool {
	if !errors.Is(err, syscall.ENXIO) {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// use makes file the current file and closes the previous one.
func (f *File) use(file *os.File) {
	f.pieces = pieceSize(file)
	if old := f.file.Swap(file); old != nil {
		old.Close()
	}
	f.reportOpen()
}

// reopen opens the path again, after writing the earlier lines and before writing later ones. If
// the file cannot be opened, the old one stays in use and report receives the error. A second
// request before the first has begun is merged with it.
func (f *File) reopen(report func(path string, err error)) {
	if !f.reopening.CompareAndSwap(false, true) {
		return
	}
	f.after(func() {
		f.reopening.Store(false)
		file, err := f.opener(f.name)
		switch {
		case err == nil:
			f.waiting = false
			f.use(file)
		case !f.waiting:
			report(f.name, err)
		}
	})
}

// closeTimeout is the time that a closed file has to accept the waiting lines.
const closeTimeout = time.Minute

// finish closes the file after the earlier lines. If it does not accept them in time, they are
// discarded.
func (f *File) finish() {
	f.Queue.close()
	giveUp := time.AfterFunc(closeTimeout, f.giveUp)
	f.after(func() {
		giveUp.Stop()
		if file := f.file.Swap(nil); file != nil {
			file.Close()
		}
	})
	f.stop.Do(func() { close(f.closing) })
}

// giveUp discards the waiting lines. A write to a pipe is interrupted; a write that cannot be
// interrupted ends when the system call returns.
func (f *File) giveUp() {
	f.drop()
	if file := f.file.Load(); file != nil {
		file.SetDeadline(time.Unix(1, 0))
	}
}

// writeBatch writes lines and returns how many were lost. After a disk-full error it waits for the
// next second.
func (f *File) writeBatch(lines []byte) (lost int, err error) {
	file := f.ready()
	if file == nil {
		return countLines(lines), &WriteError{Path: f.name, Want: len(lines), Err: syscall.ENXIO}
	}
	p := lines
	if f.buffer.Gzip > 0 {
		if p, err = f.packer.pack(lines, f.buffer.Gzip); err != nil {
			return countLines(lines), err
		}
	}
	n, err := writePieces(file, p, f.pieces)
	if err == nil {
		return 0, nil
	}
	if errors.Is(err, syscall.ENOSPC) {
		f.pause(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
	failed := &WriteError{Path: f.name, Wrote: n, Want: len(p), Err: reason(err)}
	if f.buffer.Gzip > 0 {
		return countLines(lines), failed
	}
	return countLines(lines[n:]), failed
}

// openAgain is the time between attempts to open a pipe without a reader.
const openAgain = 100 * time.Millisecond

// ready returns the open file. It waits for the reader of a pipe, and returns nil if the file is
// closed first.
func (f *File) ready() *os.File {
	for f.waiting {
		if file, err := f.opener(f.name); err == nil {
			f.waiting = false
			f.use(file)
			break
		}
		if !f.pause(openAgain) {
			break
		}
	}
	return f.file.Load()
}

// pause waits for d and returns true, or returns false at once if the file is being closed.
func (f *File) pause(d time.Duration) bool {
	select {
	case <-f.closing:
		return false
	case <-time.After(d):
		return true
	}
}
