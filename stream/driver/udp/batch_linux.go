package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many datagrams one call receives or sends.
	batchSize = 16
	// maxDatagram is room for any IP datagram, as in nginx.
	maxDatagram = 65535
	// controlSize is room for the local address of a datagram, IPv4 or IPv6.
	controlSize = 64
)

// batch is the buffers and headers for calls of recvmmsg(2) or sendmmsg(2), allocated once. Its
// contents are valid until the next call on it.
type batch struct {
	headers  [batchSize]mmsghdr
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrAny
	controls [batchSize][controlSize]byte
	buffers  []byte
}

// mmsghdr is a message with its received or sent length.
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

// receiveFrom receives up to a batch of datagrams from any sender at fd, with addresses. It returns
// their number.
func (b *batch) receiveFrom(fd int32) (int, unix.Errno) {
	for i := range batchSize {
		h := &b.headers[i]
		b.vectors[i].SetLen(maxDatagram)
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), unix.SizeofSockaddrAny
		h.Control = &b.controls[i][0]
		h.SetControllen(controlSize)
	}
	return b.call(unix.SYS_RECVMMSG, fd, 0, batchSize)
}

// receive receives up to n datagrams from the peer of fd, each cut to size. It returns their
// number.
func (b *batch) receive(fd int32, n, size int) (int, unix.Errno) {
	for i := range n {
		h := &b.headers[i]
		b.vectors[i].SetLen(min(size, maxDatagram))
		h.Name, h.Namelen, h.Control = nil, 0, nil
		h.SetControllen(0)
	}
	return b.call(unix.SYS_RECVMMSG, fd, 0, n)
}

// address prepares the n datagrams from receive to be sent to a client. Do not call receive again
// before the last send.
func (b *batch) address(n int, c *conn) {
	control := c.control(&b.controls[0])
	for i := range n {
		b.vectors[i].SetLen(int(b.headers[i].length))
		b.setDestination(i, c, control)
	}
}

// setDestination sets the destination and the source address of message i.
func (b *batch) setDestination(i int, c *conn, control []byte) {
	h := &b.headers[i]
	h.Name, h.Namelen = unsafe.StringData(c.key), uint32(c.nameLen)
	h.Control, h.Flags = unsafe.SliceData(control), 0
	h.SetControllen(len(control))
}

// send sends the messages from i to n, and returns how many it has sent.
func (b *batch) send(fd int32, i, n int) (int, unix.Errno) {
	return b.call(unix.SYS_SENDMMSG, fd, i, n)
}

// call does not block, since every descriptor is non-blocking, so it bypasses the scheduler.
func (b *batch) call(trap uintptr, fd int32, i, n int) (int, unix.Errno) {
	done, _, e := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[i])), uintptr(n-i), unix.MSG_NOSIGNAL, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(done), 0
}

// load makes data the only datagram of the batch, and returns 1. Data longer than any datagram is
// cut, to a length that is still too long to send.
func (b *batch) load(data []byte) int {
	b.headers[0].length = uint32(copy(b.buffers[:maxDatagram], data))
	return 1
}

// size returns the total length of the first n datagrams.
func (b *batch) size(n int) int {
	total := 0
	for i := range n {
		total += int(b.headers[i].length)
	}
	return total
}

// data returns received datagram i.
func (b *batch) data(i int) []byte {
	start := i * maxDatagram
	end := start + int(b.headers[i].length)
	return b.buffers[start:end:end]
}

// truncated reports whether received datagram i, or its control data, was longer than the room for
// it.
func (b *batch) truncated(i int) bool {
	return b.headers[i].Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0
}

// name returns the sender's address of datagram i.
func (b *batch) name(i int) []byte {
	size := min(b.headers[i].Namelen, unix.SizeofSockaddrAny)
	return unsafe.Slice((*byte)(unsafe.Pointer(&b.names[i])), size)
}
