//go:build !(linux && (amd64 || arm64))

package runtime

import "syscall"

// recordSenders does nothing: here it is not known who has sent a signal.
func recordSenders() {}

// senderOf is 0: not known.
func senderOf(syscall.Signal) int { return 0 }
