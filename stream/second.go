package stream

import (
	"sync/atomic"
	"time"
)

// A second is the text of one second of the clock. Thousands of sessions may end in it.
type second struct {
	unix           int64
	zone           *time.Location
	local, iso8601 string
}

// lastSecond is the second that was asked for last: a memory of what secondOf has worked out, and nothing else.
var lastSecond atomic.Pointer[second]

// secondOf returns the text of t's second. It is safe for concurrent use.
func secondOf(t time.Time) *second {
	if s := lastSecond.Load(); s != nil && s.unix == t.Unix() && s.zone == t.Location() {
		return s
	}
	s := &second{
		unix: t.Unix(), zone: t.Location(),
		local: t.Format("02/Jan/2006:15:04:05 -0700"), iso8601: t.Format("2006-01-02T15:04:05-07:00"),
	}
	lastSecond.Store(s)
	return s
}
