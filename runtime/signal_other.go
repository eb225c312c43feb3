//go:build !linux

package runtime

import (
	"syscall"
	"time"
)

// blockSignals does nothing: a signal during the replacement of the program has its default effect.
func blockSignals([]syscall.Signal) {}

// unblockSignals does nothing.
func unblockSignals([]syscall.Signal) {}

// handlers is empty here.
type handlers struct{}

// removeHandlers does nothing.
func removeHandlers([]syscall.Signal) handlers { return handlers{} }

// restore does nothing.
func (handlers) restore() {}

// awaitHandlers does nothing.
func awaitHandlers(time.Duration) bool { return true }
