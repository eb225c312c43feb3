package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxQueued is how many datagrams wait for a socket at most; how many bytes the buffer says.
const maxQueued = 1024

// A queue holds datagrams that a socket did not take. The zero queue is empty.
type queue struct {
	list [][]byte
	size int // bytes
}

func (q *queue) empty() bool { return len(q.list) == 0 }

func (q *queue) full() bool { return len(q.list) >= maxQueued }

// push adds a copy of data.
func (q *queue) push(data []byte) {
	q.list = append(q.list, append([]byte{}, data...))
	q.size += len(data)
}

// flush sends what is queued, as far as send takes it, and returns the error that ends that; none if the socket is full.
func (q *queue) flush(send func([]byte) unix.Errno) unix.Errno {
	for !q.empty() {
		e := send(q.list[0])
		if e == unix.EAGAIN {
			return 0
		}
		if e != 0 {
			return e
		}
		q.size -= len(q.list[0])
		q.list = q.list[1:]
	}
	*q = queue{}
	return 0
}

// send sends a datagram to the peer of fd. It does not block, and goes past the scheduler.
func send(fd int, data []byte) unix.Errno {
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)),
		unix.MSG_NOSIGNAL, 0, 0)
	return e
}
