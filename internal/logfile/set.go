// Package logfile keeps append-only logs that nobody who writes a line waits for: files that are opened by name and reopened on demand,
// and standard error.
package logfile

import (
	"slices"
	"sync"
	"time"
)

// A Set holds the logs of one configuration, each path once. Get, Add and OnLoss are called by one goroutine before Open; the other
// methods are safe for concurrent use after that, and none but Open and Wait waits for a file.
type Set struct {
	files  []*File
	queues []*Queue // besides those of files

	mu       sync.Mutex    // guards finished
	finished chan struct{} // closed once the files are to be closed; nil before Close
}

// Get returns the set's file of that path, making it, unopened, at the first call.
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

// Add makes q, whose files the set does not know, one of those that Wait waits for.
func (s *Set) Add(q *Queue) { s.queues = append(s.queues, q) }

// Paths lists the files in the order in which the configuration names them.
func (s *Set) Paths() []string {
	paths := make([]string, len(s.files))
	for i, f := range s.files {
		paths[i] = f.name
	}
	return paths
}

// OnLoss registers who is told that lines of a log were lost, at most once a minute for each log while that lasts, and once when it is
// over. report must be safe for concurrent use.
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

// Open opens every file. If one fails, those opened before are closed again. A pipe without a reader is no failure: its lines wait for
// one.
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

// Follow lets the first lines of each file wait for those of the file of the same path in old, so that they stand after them. To be
// called after Open. A file that is not written does not delay its successor by more than a second.
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

// Reopen has the path of every file opened again, after the lines that have come so far. A file that cannot be opened stays as it was;
// report is told why, by another goroutine.
func (s *Set) Reopen(report func(path string, err error)) {
	for _, f := range s.files {
		f.reopen(report)
	}
}

// Flush has the lines written that are held back.
func (s *Set) Flush() {
	for _, q := range s.all() {
		q.Flush()
	}
}

// Close has the lines written that have come so far, and every file closed. Later lines are refused. What a file does not take within a
// minute is given up.
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

// closing is finished; nil before Close.
func (s *Set) closing() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished
}

// finish closes the files once the other queues are written, whose failures may be reported in a file, as are lines that were lost.
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

// Closed reports whether the set was closed and all its lines are written.
func (s *Set) Closed() bool {
	select {
	case <-s.closing():
	default:
		return false
	}
	return !slices.ContainsFunc(s.files, func(f *File) bool { return !f.ended() })
}

// Wait has the lines written that have come so far, and waits for it, no longer than that in all. It reports whether all are written.
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
