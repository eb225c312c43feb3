package epoll

import (
	"time"

	"golang.org/x/sys/unix"
)

// shortageLasts is for how long after connect() found no source port connections to servers are closed without TIME_WAIT.
const shortageLasts = 10 * time.Second

// notePorts records that connect() failed for want of a source port.
func (l *loop) notePorts(e unix.Errno) {
	if e == unix.EADDRNOTAVAIL {
		l.noPorts = l.stamp + int64(shortageLasts)
	}
}

// spareTimeWait makes the close of a connection to a server a reset while source ports are short, so that its port is free at once
// instead of after TIME_WAIT. Only connections whose every byte the server has acknowledged, and that the server has not ended, are reset.
func (h *half) spareTimeWait() {
	if !h.isUp || h.local || h.eof || h.pending != nil || h.pipe != nil || h.c.l.stamp >= h.c.l.noPorts {
		return
	}
	if n, err := unix.IoctlGetInt(int(h.fd), unix.TIOCOUTQ); err == nil && n == 0 {
		resetOnClose(h.fd)
	}
}
