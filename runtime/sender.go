//go:build linux && (amd64 || arm64)

package runtime

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Go does not pass on who has sent a signal. So a handler of a few instructions stands in front of Go's own: it keeps si_pid and
// goes on there.

// senders holds, by signal number, who sent it last. The handler writes it.
var senders [65]uint32

// goHandler is where the handler goes on: the address of the Go runtime's own handler, the same for all signals.
var goHandler uintptr

// senderHandler is the handler; it is not to be called.
func senderHandler()

// senderHandlerPC is the address of senderHandler.
func senderHandlerPC() uintptr

// kernelAction is struct sigaction as the kernel has it.
type kernelAction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// recordSenders puts the handler in front of Go's for every signal that is acted on. It must follow the signal.Notify for them, which
// installs Go's own.
func recordSenders() {
	for s := range signalWords {
		var a kernelAction
		if !sigaction(s, nil, &a) || a.handler == senderHandlerPC() {
			continue
		}
		atomic.StoreUintptr(&goHandler, a.handler)
		a.handler = senderHandlerPC()
		sigaction(s, &a, nil)
	}
}

func sigaction(s syscall.Signal, set, old *kernelAction) bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)),
		unsafe.Sizeof(kernelAction{}.mask), 0, 0)
	return errno == 0
}

// senderOf is the process that sent the last signal of that number; 0: the system.
func senderOf(s syscall.Signal) int { return int(atomic.LoadUint32(&senders[s])) }
