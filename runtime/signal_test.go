package runtime

import (
	"syscall"
	"testing"
)

func TestSignalSentences(t *testing.T) {
	tests := []struct {
		name string
		in   received
		want string
	}{
		{"reload", received(syscall.SIGHUP), "signal 1 (SIGHUP) received, reconfiguring"},
		{"reopen", received(syscall.SIGUSR1), "signal 10 (SIGUSR1) received, reopening logs"},
		{"quit", received(syscall.SIGQUIT), "signal 3 (SIGQUIT) received, shutting down"},
		{"stop", received(syscall.SIGTERM), "signal 15 (SIGTERM) received, exiting"},
		{"interrupt", received(syscall.SIGINT), "signal 2 (SIGINT) received, exiting"},
		{"not served", received(syscall.SIGUSR2), "signal 12 (SIGUSR2) received, ignoring"},
		{"without effect", received(syscall.SIGWINCH), "signal 28 (SIGWINCH) received, ignoring"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
