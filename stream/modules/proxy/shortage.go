package proxy

import (
	"errors"
	"time"

	"weir/internal/connecterror"
	"weir/stream"
	"weir/stream/upstream"
)

// A shortage records the servers that a session could not try because this machine lacked a
// resource, such as source ports. The zero shortage means that there was none.
type shortage struct {
	short   bool // in the current choice
	pausing bool // the step Pause is outstanding
	tries   int  // the number of Tries before the first pause; 0 if there was no pause
}

const (
	// shortestPause is the time that package upstream makes a server rest.
	shortestPause = 100 * time.Millisecond
	// pauseShare lengthens pauses over time: each is at least the elapsed time divided by
	// pauseShare.
	pauseShare = 8
	// longestWait limits the total time of the pauses of a session: the failure may also be a
	// permanent misconfiguration.
	longestWait = 5 * time.Second
)

// pause returns the step that waits before the servers are tried again, if that can help: the
// resource may be available again within longestWait and proxy_connect_timeout. A datagram is not
// kept for that.
func (r *run) pause(s *stream.Session) (stream.Step, bool) {
	w := &r.attempt.again
	passed := s.Elapsed() - s.Tries[0].Start
	long := max(passed/pauseShare, shortestPause)
	if !w.short || s.UDP() || passed+long > min(longestWait, r.ConnectTimeout) {
		return stream.Step{}, false
	}
	if w.tries == 0 {
		w.tries = len(s.Tries)
	}
	s.Tries = s.Tries[:w.tries]
	w.pausing = true
	return stream.Step{Do: stream.Pause, Max: r.ahead(s), Deadline: s.Env.Now().Add(long)}, true
}

// noPeer handles a choice that found no server; a pause may help if servers rest.
func (r *run) noPeer(s *stream.Session, err error, now time.Time) stream.Step {
	if queued, ok := errors.AsType[*upstream.Queued](err); ok {
		if step, ok := r.wait(s, queued.Wait); ok {
			return step
		}
	}
	r.attempt.again.short = r.attempt.again.short || r.attempt.group.Resting(now)
	if step, ok := r.pause(s); ok {
		return step
	}
	s.Log(stream.LevelError, err.Error(), nil)
	s.SetEnding(stream.NoBroker)
	return r.finish(s, stream.StatusBadGateway)
}

// chooseAgain chooses again after a pause.
func (r *run) chooseAgain(s *stream.Session) stream.Step {
	r.attempt.again.pausing, r.attempt.again.short = false, false
	r.picker.Leave()
	return r.choose(s)
}

// socketFailed handles an attempt for which no socket could be created. Another server would fail
// in the same way.
func (r *run) socketFailed(s *stream.Session, err error) stream.Step {
	if r.attempt.again.tries == 0 {
		s.Log(stream.LevelAlert, "socket() failed", err)
	}
	r.attempt.again.short = connecterror.IsShortage(err)
	r.endTry(s)
	step, ok := r.pause(s)
	if !ok {
		return r.ourFault(s)
	}
	r.free(s, upstream.Untried)
	return step
}

// ourFault ends the session; the server that it did not reach is not in $upstream_addr.
func (r *run) ourFault(s *stream.Session) stream.Step {
	r.free(s, upstream.Untried)
	s.Tries[len(s.Tries)-1].Name = ""
	s.SetEnding(stream.InternalError)
	return r.finish(s, stream.StatusInternal)
}
