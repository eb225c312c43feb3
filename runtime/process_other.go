//go:build !linux

package runtime

import (
	"os"

	"golang.org/x/sys/unix"
)

// eventMethod is what nginx would call the means by which sockets are waited for: those of the Go runtime.
const eventMethod = "kqueue"

// self is the file of the program that runs; what has replaced it, if that was done since.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// duplicate makes to another descriptor of what from is.
func duplicate(from, to int) error { return unix.Dup2(from, to) }

// setPriority makes n the priority of the process.
func setPriority(n int) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, n) }
