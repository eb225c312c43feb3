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

// A received signal.
type received syscall.Signal

// signalWords are the actions that nginx logs for each signal, in the words of ngx_signal_handler.
//
// See https://nginx.org/en/docs/control.html.
var signalWords = map[syscall.Signal]string{
	syscall.SIGHUP:   "reconfiguring",
	syscall.SIGUSR1:  "reopening logs",
	syscall.SIGQUIT:  "shutting down",
	syscall.SIGTERM:  "exiting",
	syscall.SIGINT:   "exiting",
	syscall.SIGUSR2:  "ignoring", // a new binary: not supported yet
	syscall.SIGWINCH: "ignoring", // there are no worker processes to stop
}

// String is nginx's log line for a signal whose sender is not known: Go does not report it.
func (r received) String() string {
	s := syscall.Signal(r)
	return fmt.Sprintf("signal %d (%s) received, %s", int(s), unix.SignalName(s), signalWords[s])
}

// precedence lists the signals that have an effect, in the order in which pending ones are taken.
var precedence = [...]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1}

// ending are the signals that end the process.
var ending = [...]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}

// A currentLog is the error log that the process writes to at this moment; nil before there is one. It is safe for concurrent use.
type currentLog struct{ atomic.Pointer[errorlog.Log] }

// say writes one line, if there is a log.
func (l *currentLog) say(level errorlog.Level, message string) {
	if log := l.Load(); log != nil {
		log.Write(level, 0, message)
	}
}

// A signalSet holds the signals that the process has received and not obeyed yet: one flag for each, so that a signal that is pending
// already is merged with the next one, and none is lost. It is safe for concurrent use.
type signalSet struct {
	log   *currentLog
	flags [len(precedence)]atomic.Bool // by place in precedence
	// wake has a value when a flag was set since the last receive from it.
	wake chan struct{}
	// end is cancelled by the first TERM, INT or QUIT, and urgent by the first TERM or INT, after the flag of the signal has been set.
	end, urgent       context.Context
	setEnd, setUrgent context.CancelFunc
	subscribed        map[syscall.Signal]subscription // nil in tests
	handlers          handlers                        // of the signals that end the process, between leave and stay
}

// A subscription is the channel by which the Go runtime delivers a signal.
type subscription struct {
	from chan os.Signal
	done <-chan struct{} // closed when the channel is, and what it held has been received
}

func newSignalSet(log *currentLog) *signalSet {
	s := &signalSet{log: log, wake: make(chan struct{}, 1)}
	s.end, s.setEnd = context.WithCancel(context.Background())
	s.urgent, s.setUrgent = context.WithCancel(context.Background())
	return s
}

// receive takes note of one signal. The log does not wait. The flag is set before the contexts are cancelled: the work that they end then
// finds the signal pending, and no signal with a lower precedence is taken first.
func (s *signalSet) receive(sig syscall.Signal) {
	s.log.say(errorlog.Notice, received(sig).String())
	s.raise(sig)
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT:
		s.setUrgent()
		s.setEnd()
	case syscall.SIGQUIT:
		s.setEnd()
	}
}

// raise sets the flag of a signal that has an effect.
func (s *signalSet) raise(sig syscall.Signal) {
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

// take clears the pending signal that comes first and returns it.
func (s *signalSet) take() (sig syscall.Signal, pending bool) {
	for i, p := range precedence {
		if s.flags[i].CompareAndSwap(true, false) {
			return p, true
		}
	}
	return 0, false
}

// receiveSignals delivers the signals of the process to a set from now on, among them those that a predecessor has left blocked.
// Broken pipes are errors of the writer, as in nginx, and no reason to end.
func receiveSignals(log *currentLog) *signalSet {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGSYS)
	s := newSignalSet(log)
	s.subscribe()
	return s
}

// subscribe asks the Go runtime for the signals. Each has a channel that holds one: while it is full the signal is pending anyway. A
// signal does not wait for the log line of another one.
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

// handlersPatience is how long leave waits for signal handlers to return. They take microseconds, unless the system is very busy.
const handlersPatience = 100 * time.Millisecond

// leave prepares for another program in place of this one: a signal that comes from now on waits in the kernel until that program asks
// for signals, or ends the process by its default effect. It reports false when a signal has come that ends the process. The calling
// goroutine stays on its thread, whose blocked signals the new program inherits.
//
// Other threads do not block the signals. A thread whose handler has begun and not yet passed its signal on would lose it, since execve
// ends the thread: so no handler may begin after this, and those that have begun are waited for.
//
// The new program reads the configuration and opens the logs, so that a reload or a reopening that is pending is done by that.
func (s *signalSet) leave() bool {
	blockSignals(precedence[:])
	s.handlers = removeHandlers(ending[:])
	awaitHandlers(handlersPatience)
	for sig, sub := range s.subscribed {
		if signalEnds(sig) {
			signal.Stop(sub.from) // which returns once what was received is in the channel
		} else {
			signal.Ignore(sig)
		}
		close(sub.from)
		<-sub.done
	}
	return s.end.Err() == nil
}

// stay undoes leave, after it has reported true.
func (s *signalSet) stay() {
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
