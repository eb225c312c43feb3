package epoll

import (
	"golang.org/x/sys/unix"

	"weir/stream"
)

// pipeSize is how much one splice may move.
const pipeSize = 1 << 20

// maxPipes is how many pipes a loop has, in use or not. A flow without a pipe is copied. The limit
// bounds how much data stalled readers can keep in the kernel.
const maxPipes = 16

// pipe moves a long flow within the kernel. A nil pipe is empty.
type pipe struct {
	r, w int32
	n    int // bytes in it
}

func (p *pipe) holds() bool { return p != nil && p.n > 0 }

func (p *pipe) close() {
	closeFD(p.r)
	closeFD(p.w)
}

// spliceOnce moves data from h through a pipe. It reports whether the relay is over. Invariant: on
// entry the pipe is empty.
func (c *conn) spliceOnce(h, to *half) bool {
	if h.pipe == nil {
		if h.pipe = c.l.getPipe(); h.pipe == nil {
			h.grown = maxGrowth
			return c.copyOnce(h, to)
		}
	}
	n, e := splice(h.fd, h.pipe.w, pipeSize)
	switch {
	case e == unix.EAGAIN && !h.hungUp:
		h.ready = false
		h.dropPipe()
		return false
	case e != 0 || n == 0:
		h.dropPipe()
		return c.copyOnce(h, to) // finds the error or the end again, and passes urgent data, before which a splice stops
	}
	h.pipe.n = n
	c.countRead(h, n, nil)
	if c.drain(h, to) {
		return true
	}
	if n < bufferSize && !h.pipe.holds() {
		h.dropPipe()
	}
	return false
}

// drain moves the data in h's pipe to the other side. It reports whether the relay is over.
func (c *conn) drain(h, to *half) bool {
	for h.pipe.n > 0 {
		n, e := splice(h.pipe.r, to.fd, h.pipe.n)
		if e == unix.EAGAIN {
			return false
		}
		if e != 0 {
			return c.writeFailed(to, e)
		}
		h.pipe.n -= n
		c.countWritten(to, n)
	}
	return false
}

// dropPipe releases h's pipe. A pipe with data in it cannot be used again.
func (h *half) dropPipe() {
	if h.pipe == nil {
		return
	}
	h.c.l.putPipe(h.pipe)
	h.pipe, h.grown = nil, 0
}

func (l *loop) getPipe() *pipe {
	if k := len(l.pipes); k > 0 {
		p := l.pipes[k-1]
		l.pipes = l.pipes[:k-1]
		return p
	}
	if l.madePipes == maxPipes {
		return nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil
	}
	unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	l.madePipes++
	return &pipe{r: int32(fds[0]), w: int32(fds[1])}
}

func (l *loop) putPipe(p *pipe) {
	if p.n == 0 {
		l.pipes = append(l.pipes, p)
		return
	}
	p.close()
	l.madePipes--
}

var _ stream.Driver = (*Driver)(nil)
