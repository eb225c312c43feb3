package runtime

import (
	goruntime "runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// blockSignals blocks signals for the calling thread, and locks the calling goroutine to it. execve
// preserves the mask and the pending signals.
func blockSignals(signals []syscall.Signal) {
	goruntime.LockOSThread()
	set := maskOf(signals)
	unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
}

// unblockSignals undoes blockSignals.
func unblockSignals(signals []syscall.Signal) {
	set := maskOf(signals)
	unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, nil)
	goruntime.UnlockOSThread()
}

// maskOf returns the set of these signals, which must all be below 32.
func maskOf(signals []syscall.Signal) (set unix.Sigset_t) {
	for _, s := range signals {
		set.Val[0] |= 1 << (uint(s) - 1)
	}
	return set
}
