package errorlog

import (
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"
)

// Lines returns the Target that writes each line to w by one call. w must be safe for concurrent use. What can not be written is
// lost, since there is nobody left to tell; as in ngx_log_error_core, after a full disk nothing is tried for the rest of the second.
func Lines(w io.Writer) Target { return &lineTarget{w: w} }

type lineTarget struct {
	w    io.Writer
	full atomic.Int64 // the second in which the disk was found full; 0: never
}

// WriteLine writes line.
func (t *lineTarget) WriteLine(_ Level, line []byte) {
	if full := t.full.Load(); full != 0 && full == time.Now().Unix() {
		return
	}
	if _, err := t.w.Write(line); errors.Is(err, syscall.ENOSPC) {
		t.full.Store(time.Now().Unix())
	}
}
