// Package logfile keeps append-only log files that are opened by name, written by many and reopened on demand.
package logfile

import (
	"context"
	"os"
	"sync"
	"time"
)

// An Opener opens a file for appending, creating it with mode 0644. The os package's way is OpenAppend.
type Opener func(path string) (*os.File, error)

// OpenAppend opens path as nginx opens its logs. A standard stream that cannot be opened by its name is duplicated.
func OpenAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		return f, nil
	}
	if standard := openStandard(path, err); standard != nil {
		return standard, nil
	}
	return nil, err
}

// A Set holds the log files of one configuration, each path once. Get and OnWriteError are called by one goroutine before Open; the
// other methods are safe for concurrent use after that.
type Set struct {
	mu     sync.Mutex // one change at a time; never taken by those who write
	files  []*File
	opener Opener
	report func(error)
}

// Get returns the set's file of that path, making it, unopened, at the first call.
func (s *Set) Get(path string) *File {
	for _, f := range s.files {
		if f.path == path {
			return f
		}
	}
	f := &File{path: path}
	s.files = append(s.files, f)
	return f
}

// Paths lists the files in the order in which the configuration names them.
func (s *Set) Paths() []string {
	paths := make([]string, len(s.files))
	for i, f := range s.files {
		paths[i] = f.path
	}
	return paths
}

// OnWriteError registers who is told that a buffer could not be written out when nobody waits for the answer: by Run, Flush, Reopen
// and Close. It is told at most once a minute for each file, with a *WriteError, and must be safe for concurrent use.
func (s *Set) OnWriteError(report func(error)) { s.report = report }

// Open opens every file. If one fails, those opened before are closed again.
func (s *Set) Open(open Opener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opener = open
	for i, f := range s.files {
		if err := f.reopen(open); err != nil {
			closeAll(s.files[:i])
			return err
		}
	}
	return nil
}

func closeAll(files []*File) {
	for _, f := range files {
		f.swap(nil)
	}
}

// Run writes out each buffer that has a flush time, that long after its first line came, until ctx ends. It is to run as long as
// somebody writes to the set.
func (s *Set) Run(ctx context.Context) {
	var flushers sync.WaitGroup
	for _, f := range s.files {
		if f.buffer != nil && f.buffer.Flush > 0 {
			flushers.Go(func() { s.flushInTime(ctx, f) })
		}
	}
	flushers.Wait()
}

// flushInTime waits for first lines in f's buffer, and gives each its time.
func (s *Set) flushInTime(ctx context.Context, f *File) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.buffer.begun:
		}
		for wait, held := f.buffer.left(); held; wait, held = f.buffer.left() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
				s.flushDue(f)
			}
		}
	}
}

// flushDue flushes f unless its buffer was written out and begun anew in the meantime.
func (s *Set) flushDue(f *File) {
	if wait, held := f.buffer.left(); held && wait <= 0 {
		s.flush(f)
	}
}

// Reopen flushes every file and opens its path anew. A file that can not be opened stays as it was; report is told why.
func (s *Set) Reopen(report func(path string, err error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		s.flush(f)
		if err := f.reopen(s.opener); err != nil {
			report(f.path, err)
		}
	}
}

// Flush writes out what the files hold back.
func (s *Set) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		s.flush(f)
	}
}

// Close flushes and closes every file.
func (s *Set) Close() {
	s.Flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	closeAll(s.files)
}

func (s *Set) flush(f *File) {
	err := f.Flush()
	if err != nil && f.gate.Failed(time.Now(), err) && s.report != nil {
		s.report(err)
	}
}
