package healthcheck

import (
	"strconv"

	"weir/internal/errorlog"
	"weir/stream/upstream"
)

// log writes what an exchange has reported, and the change of its target from before to now.
func (x *exchange) log(before, now upstream.Health) {
	if o := &x.outcome; o.message != "" {
		x.write(o.level, o.message+errorlog.Errno(o.err))
	}
	switch {
	case now == before || now == upstream.Healthy && before == upstream.Unchecked:
	case now == upstream.Unhealthy:
		x.write(errorlog.Warn, "peer is unhealthy")
	case now == upstream.Draining:
		x.write(errorlog.Notice, "peer is draining")
	case now == upstream.Healthy:
		x.write(errorlog.Notice, "peer is healthy")
	}
}

// write writes a line with nginx's context of a health check.
func (x *exchange) write(level errorlog.Level, msg string) {
	c := x.check
	if !c.Log.Enabled(level) {
		return
	}
	msg += " while " + x.outcome.during + ", health check \"" + errorlog.Quote(c.Name) + "\" of peer " + x.peer.Name +
		" in upstream \"" + errorlog.Quote(c.Group.Name) + "\""
	if c.Port != 0 {
		msg += ", port " + strconv.Itoa(int(c.Port))
	}
	c.Log.Write(level, 0, msg)
}
