package stream

import (
	"sync/atomic"
	"time"
)

// A second is the formatted text of one second. Thousands of sessions may end in the same second.
type second struct {
	unix           int64
	zone           *time.Location
	local, iso8601 string
}

// lastSecond caches the last formatted second.
var lastSecond atomic.Pointer[second]

// secondOf returns the text of the second of t. It is safe for concurrent use.
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
