//go:build !linux

package dnschurn

import (
	"errors"
	"syscall"
)

// onlyLoopback fails: the test needs a listener that is bound to the loopback device.
func onlyLoopback(_, _ string, _ syscall.RawConn) error { return errors.ErrUnsupported }
