package runtime

import (
	"os"
	"os/signal"
	goruntime "runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/testwait"
)

// TestHandlersAreAwaited uses a thread that blocks all signals, as a signal handler does.
func TestHandlersAreAwaited(t *testing.T) {
	blocked, unblock, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		all, before := unix.Sigset_t{}, unix.Sigset_t{}
		for i := range all.Val {
			all.Val[i] = ^all.Val[i]
		}
		unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before)
		close(blocked)
		<-unblock
		unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	}()
	<-blocked
	if awaitHandlers(20 * time.Millisecond) {
		t.Error("the handler was not waited for")
	}
	returned := make(chan bool)
	go func() { returned <- awaitHandlers(testwait.Patience) }()
	close(unblock)
	<-done
	if !<-returned {
		t.Error("a handler that has returned was waited for")
	}
}

// TestSignalsWorkAfterAFailedExec sends each signal to the process after leave and stay.
func TestSignalsWorkAfterAFailedExec(t *testing.T) {
	s := newSignalSet(&currentLog{})
	s.daemon.Store(true)
	s.subscribe()
	if !s.prepareExec() {
		t.Fatal("a signal was received that was not sent")
	}
	for _, sig := range ending {
		if got := actionOf(t, sig); got != (sigaction{}) {
			t.Errorf("%v has a handler while the program is replaced: %x", sig, got)
		}
	}
	s.undoPrepareExec()
	t.Cleanup(func() {
		for _, sub := range s.subscribed {
			signal.Stop(sub.from)
			close(sub.from)
		}
	})
	for _, sig := range precedence {
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		if got := s.await(t); got != sig {
			t.Errorf("got %v, want %v", got, sig)
		}
	}
}

// await waits for the next signal.
func (s *signalSet) await(t *testing.T) syscall.Signal {
	t.Helper()
	for {
		if sig, pending := s.take(); pending {
			return sig
		}
		select {
		case <-s.wake:
		case <-time.After(testwait.Patience):
			t.Fatal("no signal was received")
		}
	}
}

// actionOf returns the action of a signal.
func actionOf(t *testing.T, sig syscall.Signal) (a sigaction) {
	t.Helper()
	if errno := setAction(sig, nil, &a); errno != 0 {
		t.Fatal(errno)
	}
	return a
}
