package logfile

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A File is one log file: a regular file, a pipe or a device, which is only ever appended to. It is opened, written, opened again and
// closed by one goroutine, in the order in which that was asked for, so that nobody else waits for it.
type File struct {
	Queue
	opener  Opener
	waiting bool // for a reader of the pipe, since the file was to be opened
	pieces  int  // the most that is written by one call; 0: any number of bytes
	packer  packer
	opened  func(*os.File) // is told of the open file; nil: nobody is interested
	closing chan struct{}  // closed when nobody waits for the file any more
	stop    sync.Once      // closes closing

	reopening atomic.Bool // a reopening has been asked for and has not begun
	file      atomic.Pointer[os.File]
}

func newFile(path string) *File {
	f := &File{closing: make(chan struct{})}
	f.Queue.init(path, f.writeBatch)
	return f
}

// Path is the file's name as it was opened.
func (f *File) Path() string { return f.name }

// Buffer makes Put hold lines back, as b says, for all who use the file. It reports false, changing nothing, when the file has
// already been given another buffering: there is one buffer. To be used while compiling.
func (f *File) Buffer(b Buffering) bool {
	if f.buffer.Size > 0 {
		return f.buffer == b
	}
	f.buffer = b
	return true
}

// OnOpen has use called with the open file now and after each reopening, by the goroutine that writes. use must not keep it. nil: no
// more.
func (f *File) OnOpen(use func(*os.File)) {
	f.after(func() {
		f.opened = use
		f.tell()
	})
}

func (f *File) tell() {
	if file := f.file.Load(); file != nil && f.opened != nil {
		f.opened(file)
	}
}

// openFirst opens the file before its first line. A pipe without a reader is opened when there is one.
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

// isPipeWithoutReader reports whether err, from opening path, passes when somebody reads the pipe that path names.
func isPipeWithoutReader(path string, err error) bool {
	if !errors.Is(err, syscall.ENXIO) {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// use makes file the one that is written, and closes the one before.
func (f *File) use(file *os.File) {
	f.pieces = pieceSize(file)
	if old := f.file.Swap(file); old != nil {
		old.Close()
	}
	f.tell()
}

// reopen has the path opened again, after the lines so far and before later ones. A file that cannot be opened stays as it was, and
// report is told why. Two reopenings of which the first has not begun are one.
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

// closeTimeout is how long the lines of a file that was closed may wait for it.
const closeTimeout = time.Minute

// finish has the file closed after the lines so far. One that does not take them in time is given up.
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

// giveUp forgets the lines that wait. A write to a pipe ends; what cannot be interrupted ends when the system returns.
func (f *File) giveUp() {
	f.drop()
	if file := f.file.Load(); file != nil {
		file.SetDeadline(time.Unix(1, 0))
	}
}

// writeBatch writes lines and returns how many were lost. After a full disk it waits for the next second.
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

// openAgain is how often a pipe is tried that has no reader.
const openAgain = 100 * time.Millisecond

// ready returns the open file. It waits for the reader of a pipe, and returns nil when the file is closed before there is one.
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

// pause waits, unless the file is to be closed; then it returns false at once.
func (f *File) pause(d time.Duration) bool {
	select {
	case <-f.closing:
		return false
	case <-time.After(d):
		return true
	}
}
