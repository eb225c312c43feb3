//go:build !linux

package runtime

import "syscall"

// blockSignals does nothing: a signal that comes while the program is replaced has its default effect.
func blockSignals([]syscall.Signal) {}

// unblockSignals does nothing.
func unblockSignals([]syscall.Signal) {}
