// Package logfile keeps append-only logs to which callers write without waiting: files that are
// opened by name and reopened on request, and standard error.
package logfile

import (
	"slices"
	"sync"
	"time"
)

// A Set contains the logs of one configuration, each path once. Get, Add and OnLoss are called from
// one goroutine before Open; the other methods are safe for concurrent use after that. Only Open
// and Wait wait for a file.
type Set struct {
	files  []*File
	queues []*Queue // in addition to those of the files

	mu       sync.Mutex    // guards finished
	finished chan struct{} // closed once the files are to be closed; nil before Close
}

// Get returns the set's file of that path. The first call creates it, unopened.
func (s *Set) Get(path string) *File {
	for _, f := range s.files {
		if f.name == path {
			return f
		}
	}
	f := newFile(path)
	s.files = append(s.files, f)
	return f
}

// Add adds q, whose destination is not a file of the set, to the queues that Wait waits for.
func (s *Set) Add(q *Queue) { s.queues = append(s.queues, q) }

// Paths lists the files in the order of the configuration.
func (s *Set) Paths() []string {
	paths := make([]string, len(s.files))
	for i, f := range s.files {
		paths[i] = f.name
	}
	return paths
}

// OnLoss sets the function that is called when lines of a log are lost: at most once a minute for
// each log while the loss continues, and once when it is over. report must be safe for concurrent
// use.
func (s *Set) OnLoss(report func(Loss)) {
	for _, q := range s.all() {
		q.OnLoss(report)
	}
}

// all lists the queues, files first.
func (s *Set) all() []*Queue {
	all := make([]*Queue, 0, len(s.files)+len(s.queues))
	for _, f := range s.files {
		all = append(all, &f.Queue)
	}
	return append(all, s.queues...)
}

// Open opens every file. If one fails, those opened before are closed again. A pipe without a
// reader is not a failure: its lines wait for a reader.
func (s *Set) Open(open Opener) error {
	for i, f := range s.files {
		if err := f.openFirst(open); err != nil {
			finishAll(s.files[:i])
			return err
		}
	}
	return nil
}

func finishAll(files []*File) {
	for _, f := range files {
		f.finish()
	}
}

// Follow makes the first lines of each file wait for those of the file of the same path in old, so
// that they are written after them. Call it after Open. A file that is not written delays its
// successor by at most a second.
func (s *Set) Follow(old *Set) {
	const most = time.Second
	for _, f := range s.files {
		for _, before := range old.files {
			if before.name == f.name {
				f.after(func() { before.waitWritten(most) })
			}
		}
	}
}

// Reopen opens the path of every file again, after writing the present lines. If a file cannot be
// opened, the old one stays in use, and report is called with the error from another goroutine.
func (s *Set) Reopen(report func(path string, err error)) {
	for _, f := range s.files {
		f.reopen(report)
	}
}

// Flush requests that the buffered lines are written.
func (s *Set) Flush() {
	for _, q := range s.all() {
		q.Flush()
	}
}

// Close requests that the present lines are written and every file is closed. Later lines are
// refused. Lines that a file does not accept within a minute are discarded.
func (s *Set) Close() {
	finished := make(chan struct{})
	s.mu.Lock()
	s.finished = finished
	s.mu.Unlock()
	if len(s.queues) == 0 {
		s.finish(finished)
		return
	}
	for _, q := range s.queues {
		q.close()
	}
	go s.finish(finished)
}

// closing returns finished; nil before Close.
func (s *Set) closing() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished
}

// finish closes the files after the other queues are written, because their failures and lost lines
// may be reported in a file.
func (s *Set) finish(finished chan<- struct{}) {
	for _, q := range s.queues {
		q.Wait(closeTimeout)
	}
	for _, q := range s.all() {
		q.reportLoss()
	}
	finishAll(s.files)
	close(finished)
}

// Closed reports whether the set is closed and all its lines are written.
func (s *Set) Closed() bool {
	select {
	case <-s.closing():
	default:
		return false
	}
	return !slices.ContainsFunc(s.files, func(f *File) bool { return !f.ended() })
}

// Wait requests that the present lines are written, and waits for at most the given total time. It
// reports whether all are written.
func (s *Set) Wait(most time.Duration) bool {
	s.Flush()
	end := time.Now().Add(most)
	if finished := s.closing(); finished != nil {
		select {
		case <-finished:
		case <-time.After(most):
			return false
		}
	}
	for _, q := range s.all() {
		if !q.Wait(max(0, time.Until(end))) {
			return false
		}
	}
	return true
}
