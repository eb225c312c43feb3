package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many datagrams one call takes or sends.
	batchSize = 16
	// maxDatagram is room for any datagram of IP, as nginx has it.
	maxDatagram = 65535
	// controlSize is room for the local address of a datagram, IPv4's or IPv6's.
	controlSize = 64
)

// A batch is the buffers and headers for one call of recvmmsg(2) or sendmmsg(2). They are made once. The zero call is none: what a batch
// holds is good until the next one.
type batch struct {
	headers  [batchSize]mmsghdr
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrAny
	controls [batchSize][controlSize]byte
	buffers  []byte
}

// mmsghdr is a message with the length that the kernel has found or sent.
type mmsghdr struct {
	unix.Msghdr
	length uint32
}

func newBatch() *batch {
	b := &batch{buffers: make([]byte, batchSize*maxDatagram)}
	for i := range batchSize {
		b.vectors[i].Base = &b.buffers[i*maxDatagram]
		b.headers[i].Iov = &b.vectors[i]
		b.headers[i].SetIovlen(1)
	}
	return b
}

// receiveFrom takes what has come to fd from anybody, up to a batch, with addresses. It returns how many there are.
func (b *batch) receiveFrom(fd int) (int, unix.Errno) {
	for i := range batchSize {
		h := &b.headers[i]
		b.vectors[i].SetLen(maxDatagram)
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), unix.SizeofSockaddrAny
		h.Control = &b.controls[i][0]
		h.SetControllen(controlSize)
	}
	return b.call(unix.SYS_RECVMMSG, fd, 0, batchSize)
}

// receive takes up to n datagrams from the peer of fd, each cut to size. It returns how many there are.
func (b *batch) receive(fd, n, size int) (int, unix.Errno) {
	for i := range n {
		h := &b.headers[i]
		b.vectors[i].SetLen(min(size, maxDatagram))
		h.Name, h.Namelen, h.Control = nil, 0, nil
		h.SetControllen(0)
	}
	return b.call(unix.SYS_RECVMMSG, fd, 0, n)
}

// address makes what receive has brought, n datagrams, ready to be sent to a client. They are not to be received again before the last
// send.
func (b *batch) address(n int, c *conn) {
	control := c.control(&b.controls[0])
	for i := range n {
		b.vectors[i].SetLen(int(b.headers[i].length))
		b.destine(i, c, control)
	}
}

// destine sets where the i-th message goes, and from which address.
func (b *batch) destine(i int, c *conn, control []byte) {
	h := &b.headers[i]
	h.Name, h.Namelen = unsafe.StringData(c.key), uint32(c.nameLen)
	h.Control, h.Flags = unsafe.SliceData(control), 0
	h.SetControllen(len(control))
}

// send sends the messages from i to n, and returns how many it has sent.
func (b *batch) send(fd, i, n int) (int, unix.Errno) { return b.call(unix.SYS_SENDMMSG, fd, i, n) }

// call does not block, since every descriptor is non-blocking; so it goes past the scheduler.
func (b *batch) call(trap uintptr, fd, i, n int) (int, unix.Errno) {
	done, _, e := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[i])), uintptr(n-i), unix.MSG_NOSIGNAL, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(done), 0
}

// load makes data the one datagram of the batch, and returns that number. What no datagram can hold is cut, and still too long to be sent.
func (b *batch) load(data []byte) int {
	b.headers[0].length = uint32(copy(b.buffers[:maxDatagram], data))
	return 1
}

// size is the length of the first n datagrams together.
func (b *batch) size(n int) int {
	total := 0
	for i := range n {
		total += int(b.headers[i].length)
	}
	return total
}

// data is the i-th datagram received.
func (b *batch) data(i int) []byte {
	start := i * maxDatagram
	end := start + int(b.headers[i].length)
	return b.buffers[start:end:end]
}

// truncated reports whether there was more of the i-th datagram, or of what belongs to it, than room.
func (b *batch) truncated(i int) bool {
	return b.headers[i].Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0
}

// name is who sent the i-th datagram.
func (b *batch) name(i int) []byte {
	size := min(b.headers[i].Namelen, unix.SizeofSockaddrAny)
	return unsafe.Slice((*byte)(unsafe.Pointer(&b.names[i])), size)
}
