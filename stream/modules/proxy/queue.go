package proxy

import (
	"time"

	"weir/stream"
)

// A waiting records how long a session waits in the queue of a group. The zero waiting means that it has not
// waited.
type waiting struct {
	pausing bool // the step Pause is outstanding
	waited  bool
	since   time.Duration // since the session's start
}

// wait returns the step that waits for a server, unless the session has waited for long enough. With 0 it is
// not known how long the wait lasts, and the session chooses again from time to time.
func (r *run) wait(s *stream.Session, long time.Duration) (stream.Step, bool) {
	w := &r.attempt.queue
	now := s.Elapsed()
	if !w.waited {
		w.waited, w.since = true, now
	}
	_, timeout := r.attempt.group.QueueLimits()
	left := w.since + timeout - now
	if left <= 0 {
		return stream.Step{}, false
	}
	if long == 0 {
		long = max((now-w.since)/pauseShare, shortestPause)
	}
	w.pausing = true
	return stream.Step{Do: stream.Pause, Max: r.ahead(s), Deadline: s.Env.Now().Add(min(long, left))}, true
}

// pickAgain chooses again after a wait in the queue.
func (r *run) pickAgain(s *stream.Session) stream.Step {
	r.attempt.queue.pausing = false
	s.Tries = s.Tries[:len(s.Tries)-1]
	return r.connect(s, r.attempt.group.Name)
}
