package connecterror_test

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"weir/internal/connecterror"
)

func TestErrors(t *testing.T) {
	tests := []struct {
		err                                    error
		local, localAtUnix, short, unreachable bool
	}{
		{syscall.EADDRNOTAVAIL, true, true, true, false},
		{syscall.EAGAIN, true, false, true, true},
		{syscall.EMFILE, true, true, true, false},
		{syscall.ENFILE, true, true, true, false},
		{syscall.ENOBUFS, true, true, true, false},
		{syscall.ENOMEM, true, true, true, false},
		{syscall.EPERM, true, true, false, false},
		{syscall.EACCES, true, true, false, false},
		{syscall.ENOENT, false, false, false, false},
		{syscall.ETIMEDOUT, false, false, false, false},
		{syscall.ECONNREFUSED, false, false, false, true},
		{syscall.ECONNRESET, false, false, false, true},
		{syscall.ENETDOWN, false, false, false, true},
		{syscall.ENETUNREACH, false, false, false, true},
		{syscall.EHOSTDOWN, false, false, false, true},
		{syscall.EHOSTUNREACH, false, false, false, true},
		{errors.New("another"), false, false, false, false},
		{nil, false, false, false, false},
	}
	for _, tt := range tests {
		wrapped := fmt.Errorf("dial: %w", os.NewSyscallError("connect", tt.err))
		for _, err := range []error{tt.err, wrapped} {
			if got := connecterror.IsLocal(err, false); got != tt.local {
				t.Errorf("%v: local %v", err, got)
			}
			if got := connecterror.IsLocal(err, true); got != tt.localAtUnix {
				t.Errorf("%v: local %v at a unix socket", err, got)
			}
			if got := connecterror.IsShortage(err); got != tt.short {
				t.Errorf("%v: shortage %v", err, got)
			}
			if got := connecterror.IsUnreachable(err); got != tt.unreachable {
				t.Errorf("%v: unreachable %v", err, got)
			}
		}
	}
}
