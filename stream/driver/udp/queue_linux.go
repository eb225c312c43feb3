package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxQueued is the maximum number of datagrams that wait for a socket; the buffer size limits their
// bytes.
const maxQueued = 1024

// queue contains datagrams that a socket did not accept. The zero queue is empty.
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

// flush sends the queued datagrams until send returns an error, and returns that error, or 0 if the
// socket is full.
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

// send sends a datagram to the peer of fd. It does not block, and bypasses the scheduler.
func send(fd int32, data []byte) unix.Errno {
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)),
		unix.MSG_NOSIGNAL, 0, 0)
	return e
}
