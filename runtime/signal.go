package runtime

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
)

// A received is a received signal with what it causes.
type received struct {
	signal syscall.Signal
	action string // empty for nothing
}

// signalWords are the actions that nginx logs for each signal, in the words of ngx_signal_handler.
//
// See https://nginx.org/en/docs/control.html.
var signalWords = map[syscall.Signal]string{
	syscall.SIGHUP:   "reconfiguring",
	syscall.SIGUSR1:  "reopening logs",
	syscall.SIGQUIT:  "shutting down",
	syscall.SIGTERM:  "exiting",
	syscall.SIGINT:   "exiting",
	syscall.SIGUSR2:  "changing binary",
	syscall.SIGWINCH: "stop accepting connections",
}

// String returns nginx's log line for a signal from an unknown sender: Go does not report the sender.
func (r received) String() string {
	line := fmt.Sprintf("signal %d (%s) received", int(r.signal), unix.SignalName(r.signal))
	if r.action == "" {
		return line
	}
	return line + ", " + r.action
}

// precedence lists the signals that have an effect, in the order in which pending ones are handled.
var precedence = [...]syscall.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// ending lists the signals that end the process.
var ending = [...]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}

// A currentLog is the current error log of the process; nil before there is one. It is safe for
// concurrent use.
type currentLog struct{ atomic.Pointer[errorlog.Log] }

// write writes one line, if there is a log.
func (l *currentLog) write(level errorlog.Level, message string) {
	if log := l.Load(); log != nil {
		log.Write(level, 0, message)
	}
}

// A signalSet contains the signals that the process has received and not handled yet: one flag for each,
// so that a pending signal merges with the next one of its kind, and none is lost. It is safe for
// concurrent use.
type signalSet struct {
	log   *currentLog
	flags [len(precedence)]atomic.Bool // by index in precedence
	// wake has a value if a flag was set since the last receive from it.
	wake chan struct{}
	// end is cancelled by the first TERM, INT or QUIT, and urgent by the first TERM or INT, after the flag of
	// the signal has been set.
	end, urgent       context.Context
	setEnd, setUrgent context.CancelFunc
	subscribed        map[syscall.Signal]subscription // nil in tests
	handlers          handlers                        // of the signals that end the process, between leave and stay

	daemon    atomic.Bool  // the process is in the background
	parent    atomic.Int64 // the number of the old binary of a new one; 0 if there is none
	newBinary atomic.Bool  // a new binary runs
	parentOf  func() int   // returns the parent of the process whose number is in the pid file
}

// A subscription is the channel on which the Go runtime delivers a signal.
type subscription struct {
	from chan os.Signal
	done <-chan struct{} // closed after the channel was closed and emptied
}

func newSignalSet(log *currentLog) *signalSet {
	s := &signalSet{log: log, wake: make(chan struct{}, 1), parentOf: os.Getppid}
	s.end, s.setEnd = context.WithCancel(context.Background())
	s.urgent, s.setUrgent = context.WithCancel(context.Background())
	return s
}

// receive records one signal. Its log line does not block. It sets the flag before it cancels the
// contexts: the work that they end then finds the signal pending, and no signal with lower precedence is
// taken first.
func (s *signalSet) receive(sig syscall.Signal) {
	action, ignored := s.effect(sig)
	s.log.write(errorlog.Notice, received{sig, action}.String())
	if ignored {
		if sig == syscall.SIGUSR2 {
			s.log.write(errorlog.Crit, ignoredUpgrade)
		}
		return
	}
	s.setPending(sig)
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT:
		s.setUrgent()
		s.setEnd()
	case syscall.SIGQUIT:
		s.setEnd()
	}
}

// ignoredUpgrade is nginx's reason for ignoring USR2.
const ignoredUpgrade = "the changing binary signal is ignored: you should shutdown or terminate before either old or new binary's process"

// effect returns what a signal causes now, in nginx's words, and whether it is ignored. As in nginx, only a
// daemon stops accepting connections: a terminal sends WINCH for another reason.
func (s *signalSet) effect(sig syscall.Signal) (action string, ignored bool) {
	switch {
	case sig == syscall.SIGUSR2 && (s.newBinary.Load() || s.hasOldBinary()):
		return "ignoring", true
	case sig == syscall.SIGWINCH && !s.daemon.Load():
		return "", true
	}
	return signalWords[sig], false
}

// hasOldBinary reports whether the binary that has started this one still runs.
func (s *signalSet) hasOldBinary() bool {
	return s.parent.Load() != 0 && int64(s.parentOf()) == s.parent.Load()
}

// setPending sets the flag of a signal that has an effect.
func (s *signalSet) setPending(sig syscall.Signal) {
	for i, p := range precedence {
		if p == sig {
			s.flags[i].Store(true)
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take clears the pending signal with the highest precedence and returns it.
func (s *signalSet) take() (sig syscall.Signal, pending bool) {
	for i, p := range precedence {
		if s.flags[i].CompareAndSwap(true, false) {
			return p, true
		}
	}
	return 0, false
}

// receiveSignals starts delivering the signals of the process to a new set, including those that a
// predecessor left blocked. Broken pipes are errors of the writer, as in nginx, and do not end the
// process.
func receiveSignals(log *currentLog) *signalSet {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGSYS)
	s := newSignalSet(log)
	s.subscribe()
	return s
}

// subscribe asks the Go runtime for the signals. Each has a channel for one value: while it is full, the
// signal is pending anyway. A signal does not wait for the log line of another one.
func (s *signalSet) subscribe() {
	s.subscribed = map[syscall.Signal]subscription{}
	for sig := range signalWords {
		from := make(chan os.Signal, 1)
		done := run(func() {
			for range from {
				s.receive(sig)
			}
		})
		s.subscribed[sig] = subscription{from, done}
		signal.Notify(from, sig)
	}
}

// handlersPatience limits the time that leave waits for signal handlers to return. They take
// microseconds, unless the system is very busy.
const handlersPatience = 100 * time.Millisecond

// prepareExec prepares for replacing the program: a later signal waits in the kernel until the new program asks
// for signals, or ends the process by its default effect. It returns false if a signal that ends the
// process has arrived. The calling goroutine stays locked to its thread, whose blocked signals the new
// program inherits.
//
// Other threads do not block the signals. execve ends them, and a handler that has begun and not yet
// forwarded its signal would lose it: so prepareExec prevents new handlers, and waits for those that have begun.
//
// The new program reads the configuration and opens the logs, which also completes a pending reload or
// reopening.
func (s *signalSet) prepareExec() bool {
	blockSignals(precedence[:])
	s.handlers = removeHandlers(ending[:])
	awaitHandlers(handlersPatience)
	for sig, sub := range s.subscribed {
		if signalEnds(sig) {
			signal.Stop(sub.from) // returns after received signals are in the channel
		} else {
			signal.Ignore(sig)
		}
		close(sub.from)
		<-sub.done
	}
	return s.end.Err() == nil
}

// undoPrepareExec undoes leave after it has returned true.
func (s *signalSet) undoPrepareExec() {
	s.subscribe()
	s.handlers.restore()
	unblockSignals(precedence[:])
}

func signalEnds(sig syscall.Signal) bool {
	for _, e := range ending {
		if e == sig {
			return true
		}
	}
	return false
}
