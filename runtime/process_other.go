//go:build !linux

package runtime

import (
	"os"

	"golang.org/x/sys/unix"
)

// eventMethod is nginx's name for the way of waiting for sockets: here that of the Go runtime.
const eventMethod = "kqueue"

// self returns the path of the running program; its file may have been replaced.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// duplicate makes descriptor to a duplicate of from.
func duplicate(from, to int) error { return unix.Dup2(from, to) }

// setPriority sets the priority of the process.
func setPriority(n int) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, n) }
