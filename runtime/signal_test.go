package runtime

import (
	goruntime "runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"weir/internal/errorlog"
)

func TestSignalMessages(t *testing.T) {
	tests := []struct {
		name string
		in   syscall.Signal
		want string
	}{
		{"reload", syscall.SIGHUP, "signal 1 (SIGHUP) received, reconfiguring"},
		{"reopen", syscall.SIGUSR1, "signal 10 (SIGUSR1) received, reopening logs"},
		{"quit", syscall.SIGQUIT, "signal 3 (SIGQUIT) received, shutting down"},
		{"stop", syscall.SIGTERM, "signal 15 (SIGTERM) received, exiting"},
		{"interrupt", syscall.SIGINT, "signal 2 (SIGINT) received, exiting"},
		{"upgrade", syscall.SIGUSR2, "signal 12 (SIGUSR2) received, changing binary"},
		{"window of a terminal", syscall.SIGWINCH, "signal 28 (SIGWINCH) received"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			action, _ := newSignalSet(&currentLog{}).effect(tt.in)
			if got := (received{tt.in, action}).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPendingSignalsAreTakenByPrecedence(t *testing.T) {
	s := newSignalSet(&currentLog{})
	for _, sig := range []syscall.Signal{
		syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGHUP, syscall.SIGUSR2, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGTERM,
	} {
		s.receive(sig)
	}
	var got []syscall.Signal
	for sig, pending := s.take(); pending; sig, pending = s.take() {
		got = append(got, sig)
	}
	want := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEndingSignalsCancelWaits(t *testing.T) {
	tests := []struct {
		signal      syscall.Signal
		end, urgent bool
	}{
		{syscall.SIGHUP, false, false}, {syscall.SIGUSR1, false, false}, {syscall.SIGWINCH, false, false},
		{syscall.SIGQUIT, true, false}, {syscall.SIGINT, true, true}, {syscall.SIGTERM, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.signal.String(), func(t *testing.T) {
			s := newSignalSet(&currentLog{})
			s.receive(tt.signal)
			if end, urgent := s.end.Err() != nil, s.urgent.Err() != nil; end != tt.end || urgent != tt.urgent {
				t.Errorf("got end %v, urgent %v, want %v, %v", end, urgent, tt.end, tt.urgent)
			}
		})
	}
}

func TestEverySignalIsLogged(t *testing.T) {
	var log recorder
	current := &currentLog{}
	current.Store(log.log())
	s := newSignalSet(current)
	for range 3 {
		s.receive(syscall.SIGHUP)
	}
	line := "[notice] signal 1 (SIGHUP) received, reconfiguring"
	if got, want := log.take(), []string{line, line, line}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A yielding is a log target that lets other goroutines run when a line is written.
type yielding struct{}

func (yielding) WriteLine(errorlog.Level, []byte) { goruntime.Gosched() }

func TestEndingSignalIsTakenFirst(t *testing.T) {
	current, log := &currentLog{}, errorlog.New(time.Now, 1)
	log.Add(errorlog.Notice, yielding{})
	current.Store(log)
	for _, sig := range ending {
		for range 200 {
			s := newSignalSet(current)
			s.receive(syscall.SIGHUP)
			done := run(func() { s.receive(sig) })
			<-s.end.Done()
			if got, _ := s.take(); got != sig {
				t.Fatalf("got %v once the end has been asked for, want %v", got, sig)
			}
			<-done
		}
	}
}
