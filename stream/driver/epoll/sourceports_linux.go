package epoll

import (
	"time"

	"golang.org/x/sys/unix"
)

// shortageLasts is how long connections to servers are closed without TIME_WAIT after connect()
// found no source port.
const shortageLasts = 10 * time.Second

// notePorts records that connect() failed because no source port was free.
func (l *loop) notePorts(e unix.Errno) {
	if e == unix.EADDRNOTAVAIL {
		l.noPorts = l.stamp + int64(shortageLasts)
	}
}

// skipTimeWait makes the close of a connection to a server a reset while source ports are short,
// so that its port is free at once instead of after TIME_WAIT. It resets only connections that the
// server has not ended and on which the server has acknowledged every byte.
func (h *half) skipTimeWait() {
	if !h.isUp || h.local || h.eof || h.pending != nil || h.pipe != nil || h.c.l.stamp >= h.c.l.noPorts {
		return
	}
	if n, err := unix.IoctlGetInt(int(h.fd), unix.TIOCOUTQ); err == nil && n == 0 {
		resetOnClose(h.fd)
	}
}
