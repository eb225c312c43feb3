package proxy

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"weir/stream"
	"weir/stream/upstream"
)

// A shortage is what a session remembers of servers that it could not try because this machine was short of something, such as source
// ports. The zero shortage is none.
type shortage struct {
	short   bool // in the present choice
	pausing bool // the step Pause is outstanding
	tries   int  // how many Tries there were before the first pause; 0: there was none
}

const (
	// shortestPause is how long upstream has a server rest.
	shortestPause = 100 * time.Millisecond
	// pauseShare makes pauses longer as time passes: each is at least that part of it.
	pauseShare = 8
	// longestWait bounds the pauses of a session together: what fails like this may also be a mistake that does not pass.
	longestWait = 5 * time.Second
)

// pause returns the step that waits before the servers are tried again, if that is of use: what was short may be there again within
// longestWait and proxy_connect_timeout. A datagram is not kept for that.
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

// noPeer judges a choice that has found no server, which a pause may change where servers rest.
func (r *run) noPeer(s *stream.Session, err error, now time.Time) stream.Step {
	r.attempt.again.short = r.attempt.again.short || r.attempt.group.Resting(now)
	if step, ok := r.pause(s); ok {
		return step
	}
	s.Log(stream.LevelError, err.Error(), nil)
	return r.finish(s, stream.StatusBadGateway)
}

// chooseAgain follows a pause.
func (r *run) chooseAgain(s *stream.Session) stream.Step {
	r.attempt.again.pausing, r.attempt.again.short = false, false
	return r.choose(s)
}

// socketFailed judges an attempt for which there was no socket. For another server there would be none either.
func (r *run) socketFailed(s *stream.Session, err error) stream.Step {
	if r.attempt.again.tries == 0 {
		s.Log(stream.LevelAlert, "socket() failed", err)
	}
	r.attempt.again.short = isShort(err)
	r.endTry(s)
	step, ok := r.pause(s)
	if !ok {
		return r.ourFault(s)
	}
	r.free(s, upstream.Untried)
	return step
}

// ourFault ends the session; the server that it never came to is not in $upstream_addr.
func (r *run) ourFault(s *stream.Session) stream.Step {
	r.free(s, upstream.Untried)
	s.Tries[len(s.Tries)-1].Name = ""
	return r.finish(s, stream.StatusInternal)
}

// isOurs reports whether a call for a server at that address has failed for want of something on this machine, or of a permission: that
// is no failure of the server. EAGAIN of a unix socket is the server's, whose queue is full.
func isOurs(err error, to stream.Addr) bool {
	return isShort(err) && !(to.Unix && errors.Is(err, syscall.EAGAIN)) || errors.Is(err, fs.ErrPermission)
}

// isShort reports whether a call has failed for want of a source port, a descriptor or memory.
func isShort(err error) bool {
	var errno syscall.Errno
	errors.As(err, &errno)
	switch errno {
	case syscall.EADDRNOTAVAIL, syscall.EAGAIN, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return true
	}
	return false
}
