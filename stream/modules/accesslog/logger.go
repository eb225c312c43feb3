package accesslog

import (
	"sync"

	"weir/stream"
)

// A Logger is one access_log. It is safe for concurrent use.
type Logger struct {
	Format *Format
	If     *stream.Template // a session for which it is empty or "0" is not logged; nil logs all sessions
	To     Target
}

// A Target is the destination of the lines of a Logger: File, Path or Syslog.
type Target interface {
	// begin appends the prefix of the line.
	begin(b []byte) []byte
	// write writes the line that begin started, with its newline. Failures are reported in the
	// session's error log.
	write(s *stream.Session, line []byte)
}

// lines contains the buffers in which lines are composed.
var lines = sync.Pool{New: func() any {
	room := make([]byte, 0, 1024)
	return &room
}}

// maxKept is the maximum size of a buffer that is reused.
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
