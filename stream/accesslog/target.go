package accesslog

import (
	"errors"

	"weir/stream"
	"weir/stream/errorlog"
	"weir/stream/logfile"
)

// File returns the Target that appends to f.
func File(f *logfile.File) Target { return &fileTarget{file: f} }

type fileTarget struct {
	file *logfile.File
	gate logfile.Gate
}

func (t *fileTarget) begin(b []byte) []byte { return b }

func (t *fileTarget) write(s *stream.Session, line []byte) {
	if t.gate.Shut(s.Env.Now()) {
		return
	}
	if err := t.file.Append(line); err != nil {
		failed(s, &t.gate, err)
	}
}

// failed reports a line that was lost, unless gate says that it is too soon. As in ngx_stream_log_write, no reason is given for a
// line that was written in part.
func failed(s *stream.Session, gate *logfile.Gate, err error) {
	if !gate.Failed(s.Env.Now(), err) {
		return
	}
	reason := err
	var write *logfile.WriteError
	if errors.As(err, &write) {
		reason = write.Err
		if write.Wrote > 0 {
			reason = nil
		}
	}
	s.Log(stream.LevelAlert, err.Error(), reason)
}

// Path returns the Target that appends to the file whose name path gives for each session. The file is opened and closed for
// every line, or kept open by cache unless that is nil.
func Path(path stream.Template, cache *Cache) Target { return &pathTarget{path: path, cache: cache} }

type pathTarget struct {
	path  stream.Template
	cache *Cache
	gate  logfile.Gate
}

func (t *pathTarget) begin(b []byte) []byte { return b }

// write follows ngx_stream_log_script_write: a file that can not be opened is said to be so each time.
func (t *pathTarget) write(s *stream.Session, line []byte) {
	if t.gate.Shut(s.Env.Now()) {
		return
	}
	name := t.path.Eval(s)
	f, err := t.cache.open(name, s.Env.Now())
	if err != nil {
		s.Log(stream.LevelCrit, "open() \""+name+"\" failed", errors.Unwrap(err))
		return
	}
	defer f.release()
	if n, err := f.Write(line); err != nil {
		failed(s, &t.gate, &logfile.WriteError{Path: name, Wrote: n, Want: len(line), Err: err})
	}
}

// Syslog returns the Target that sends to a syslog server.
func Syslog(server *errorlog.Syslog, severity errorlog.Level) Target {
	return &syslogTarget{server, severity}
}

type syslogTarget struct {
	server   *errorlog.Syslog
	severity errorlog.Level
}

func (t *syslogTarget) begin(b []byte) []byte { return t.server.AppendHeader(b, t.severity) }

func (t *syslogTarget) write(s *stream.Session, line []byte) {
	if !t.server.Send(line[:len(line)-1]) {
		s.Log(stream.LevelWarn, "send() to syslog failed", nil)
	}
}
