//go:build !linux

package healthcheck

import (
	"syscall"

	"weir/stream"
)

// socket is empty: each exchange has a goroutine.
type socket struct{}

func newSockets(*stream.Descriptors) sockets { return nil }

// setTransparent does nothing: only Linux has such sockets.
func setTransparent(syscall.RawConn, *stream.Target) error { return nil }
