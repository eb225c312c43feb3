package runtime

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setCapabilities removes all capabilities of all threads, except that for foreign source addresses if it is kept.
func setCapabilities(keepRaw bool) syscall.Errno {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if keepRaw {
		data[0].Effective = 1 << unix.CAP_NET_RAW
		data[0].Permitted = 1 << unix.CAP_NET_RAW
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	return errno
}
