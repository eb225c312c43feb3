package runtime

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

func TestSignalSentences(t *testing.T) {
	tests := []struct {
		name string
		in   received
		want string
	}{
		{"reload", received{syscall.SIGHUP, 7}, "signal 1 (SIGHUP) received from 7, reconfiguring"},
		{"reopen", received{syscall.SIGUSR1, 7}, "signal 10 (SIGUSR1) received from 7, reopening logs"},
		{"quit", received{syscall.SIGQUIT, 7}, "signal 3 (SIGQUIT) received from 7, shutting down"},
		{"stop", received{syscall.SIGTERM, 7}, "signal 15 (SIGTERM) received from 7, exiting"},
		{"from the terminal", received{syscall.SIGINT, 0}, "signal 2 (SIGINT) received, exiting"},
		{"not served", received{syscall.SIGUSR2, 7}, "signal 12 (SIGUSR2) received from 7, ignoring"},
		{"without effect", received{syscall.SIGWINCH, 7}, "signal 28 (SIGWINCH) received from 7, ignoring"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSenderIsKnown(t *testing.T) {
	from := make(chan os.Signal, 1)
	signal.Notify(from, syscall.SIGWINCH)
	defer signal.Stop(from)
	recordSenders()
	for range 100 { // on whatever threads the system chooses
		if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		select {
		case <-from:
		case <-time.After(patience):
			t.Fatal("no signal")
		}
		if got := senderOf(syscall.SIGWINCH); got != os.Getpid() {
			t.Fatalf("got %d, want %d", got, os.Getpid())
		}
	}
}
