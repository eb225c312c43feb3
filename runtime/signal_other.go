//go:build !linux

package runtime

import (
	"syscall"
	"time"
)

// blockSignals does nothing: a signal that comes while the program is replaced has its default effect.
func blockSignals([]syscall.Signal) {}

// unblockSignals does nothing.
func unblockSignals([]syscall.Signal) {}

// handlers are none.
type handlers struct{}

// removeHandlers does nothing.
func removeHandlers([]syscall.Signal) handlers { return handlers{} }

// restore does nothing.
func (handlers) restore() {}

// awaitHandlers does nothing.
func awaitHandlers(time.Duration) bool { return true }
