package accesslog

import (
	"sync/atomic"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/internal/relay"
	"weir/stream"
)

// File returns the Target that appends to f.
func File(f *logfile.File) Target { return fileTarget{f} }

type fileTarget struct{ file *logfile.File }

func (t fileTarget) begin(b []byte) []byte { return b }

func (t fileTarget) write(_ *stream.Session, line []byte) { t.file.Put(line) }

// Syslog returns the Target that sends to a syslog server.
func Syslog(server *errorlog.Syslog, severity errorlog.Level) Target {
	return &syslogTarget{server: server, severity: severity}
}

type syslogTarget struct {
	server   *errorlog.Syslog
	severity errorlog.Level
	limit    limit // limits the reports
}

func (t *syslogTarget) begin(b []byte) []byte { return t.server.AppendHeader(b, t.severity) }

func (t *syslogTarget) write(s *stream.Session, line []byte) {
	if !t.server.Send(line[:len(line)-1]) && t.limit.pass(s.Env.Now()) {
		s.Log(stream.LevelWarn, "send() to syslog failed", nil)
	}
}

// A limit allows one report a minute. It is safe for concurrent use.
type limit struct{ last atomic.Int64 } // by relay.Monotonic

// pass reports whether a report is due.
func (l *limit) pass(now time.Time) bool {
	at, last := relay.Monotonic(now), l.last.Load()
	return at-last >= int64(time.Minute) && l.last.CompareAndSwap(last, at)
}
