package logfile

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// A File is one log file: a regular file, a pipe or a device, which is only ever appended to. Append and Write are safe for
// concurrent use, also with Reopen: no lock is held across a direct write, since os.File keeps its descriptor open for the writes
// under way.
type File struct {
	path   string
	f      atomic.Pointer[os.File]
	buffer *buffer // nil: lines are written as they come
	gate   Gate    // for what Set reports
}

// Path is the file's name as it was opened.
func (f *File) Path() string { return f.path }

// Buffer makes Append hold lines back, as b says, for all who use the file. It reports false, changing nothing, when the file has
// already been given another buffering: there is one buffer. To be used while compiling.
func (f *File) Buffer(b Buffering) bool {
	if f.buffer != nil {
		return f.buffer.Buffering == b
	}
	f.buffer = newBuffer(b)
	return true
}

// Append adds one line, through the buffer if the file has one. The error, a *WriteError, tells of lines that were lost, which may
// be earlier ones. It must not be called before Open.
func (f *File) Append(line []byte) error {
	if f.buffer == nil {
		return f.writeAll(line)
	}
	return f.buffer.append(line, f.writeAll)
}

// Flush writes out what the buffer holds.
func (f *File) Flush() error {
	if f.buffer == nil {
		return nil
	}
	return f.buffer.flush(f.writeAll)
}

// Write appends p past the buffer. Before Open and after Close it drops p and reports os.ErrClosed.
func (f *File) Write(p []byte) (int, error) {
	for {
		file := f.f.Load()
		if file == nil {
			return 0, os.ErrClosed
		}
		n, err := file.Write(p)
		if n == 0 && errors.Is(err, os.ErrClosed) && f.f.Load() != file {
			continue // reopened between the two
		}
		return n, err
	}
}

func (f *File) writeAll(p []byte) error {
	n, err := f.Write(p)
	if err != nil {
		return &WriteError{Path: f.path, Wrote: n, Want: len(p), Err: err}
	}
	return nil
}

func (f *File) reopen(open Opener) error {
	file, err := open(f.path)
	if err != nil {
		return err
	}
	f.swap(file)
	return nil
}

func (f *File) swap(file *os.File) {
	if old := f.f.Swap(file); old != nil {
		old.Close()
	}
}

// A WriteError says that lines did not reach their file, or not all of them.
type WriteError struct {
	Path  string
	Wrote int // bytes
	Want  int
	Err   error
}

// Error is nginx's sentence, without the system's reason.
func (e *WriteError) Error() string {
	if e.Wrote > 0 {
		return fmt.Sprintf("write() to \"%s\" was incomplete: %d of %d", e.Path, e.Wrote, e.Want)
	}
	return fmt.Sprintf("write() to \"%s\" failed", e.Path)
}

// Unwrap returns the system's reason.
func (e *WriteError) Unwrap() error { return e.Err }
