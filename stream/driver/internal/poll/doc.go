// Package poll contains the parts that the drivers with epoll sets share: the set and the mailbox
// of a loop, the aborts of its sessions, the containment of panics, addresses in the kernel's
// format, and the list of a driver's loops and listeners.
//
// A loop is one goroutine that waits for the events of its epoll set. Unless stated otherwise, only
// that goroutine uses a value of this package.
package poll
