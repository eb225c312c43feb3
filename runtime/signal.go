package runtime

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A received signal.
type received syscall.Signal

// signalWords say what each signal does, in the words of ngx_signal_handler.
//
// See https://nginx.org/en/docs/control.html.
var signalWords = map[syscall.Signal]string{
	syscall.SIGHUP:   "reconfiguring",
	syscall.SIGUSR1:  "reopening logs",
	syscall.SIGQUIT:  "shutting down",
	syscall.SIGTERM:  "exiting",
	syscall.SIGINT:   "exiting",
	syscall.SIGUSR2:  "ignoring", // a new binary: not served yet
	syscall.SIGWINCH: "ignoring", // there are no worker processes to stop
}

// String is nginx's log line for a signal whose sender is not known: Go does not tell it.
func (r received) String() string {
	s := syscall.Signal(r)
	return fmt.Sprintf("signal %d (%s) received, %s", int(s), unix.SignalName(s), signalWords[s])
}

// receiveSignals delivers the process's signals from now on. Broken pipes are errors of those who write, as in nginx, and no
// reason to end.
func receiveSignals() <-chan received {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGSYS)
	from := make(chan os.Signal, 2*len(signalWords))
	for s := range signalWords {
		signal.Notify(from, s)
	}
	to := make(chan received)
	go relaySignals(from, to)
	return to
}

func relaySignals(from <-chan os.Signal, to chan<- received) {
	for s := range from {
		to <- received(s.(syscall.Signal))
	}
}
