package accesslog

import (
	"sync"

	"weir/stream"
)

// A Logger is one access_log. It is safe for concurrent use.
type Logger struct {
	Format *Format
	If     *stream.Template // a session for which it is empty or "0" is left out; nil: none is
	To     Target
}

// A Target is where the lines of a Logger go: File, Path or Syslog.
type Target interface {
	// begin appends what stands in front of the line.
	begin(b []byte) []byte
	// write writes what begin has begun, with its newline. What goes wrong is said in the session's error log.
	write(s *stream.Session, line []byte)
}

// lines holds the room in which lines are composed.
var lines = sync.Pool{New: func() any {
	room := make([]byte, 0, 1024)
	return &room
}}

// maxKept is how large a room may be that is kept for other lines.
const maxKept = 64 << 10

// Log implements stream.Logger.
func (l *Logger) Log(s *stream.Session) {
	if l.If != nil {
		if v := l.If.Eval(s); v == "" || v == "0" {
			return
		}
	}
	room := lines.Get().(*[]byte)
	*room = append(l.Format.Append(l.To.begin((*room)[:0]), s), '\n')
	l.To.write(s, *room)
	if cap(*room) <= maxKept {
		lines.Put(room)
	}
}
