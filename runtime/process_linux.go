package runtime

import "golang.org/x/sys/unix"

// eventMethod is what nginx would call the means by which sockets are waited for.
const eventMethod = "epoll"

// self is the program that runs, even if its file has been replaced.
func self() string { return "/proc/self/exe" }

// duplicate makes to another descriptor of what from is.
func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }
