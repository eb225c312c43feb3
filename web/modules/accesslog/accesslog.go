// Package accesslog writes a line about each request.
//
// See https://nginx.org/en/docs/http/ngx_http_log_module.html.
package accesslog

import (
	"errors"

	"weir/internal/errorlog"
	"weir/internal/logescape"
	"weir/internal/logfile"
	"weir/internal/variables"
	"weir/web"
)

// A Format is a compiled log_format. It is immutable.
type Format struct {
	pieces []variables.Piece
	escape logescape.Escape
}

// ParseFormat compiles the strings of a log_format, concatenated, against t. The error is nginx's sentence.
func ParseFormat(texts []string, escape logescape.Escape, t *web.VarTable) (*Format, error) {
	pieces, err := t.FormatPieces(texts)
	if err != nil {
		return nil, err
	}
	return &Format{pieces, escape}, nil
}

// Append appends the line for r to b, without a newline.
func (f *Format) Append(b []byte, r *web.Request) []byte {
	for _, p := range f.pieces {
		if p.Index == variables.Literal {
			b = append(b, p.Text...)
			continue
		}
		start := len(b)
		text, found := r.Value(p.Index)
		b = f.escape.Value(append(b, text...), start, found)
	}
	return b
}

// A Logger is one access_log. Its destination is a file, a syslog server, or a file whose name has variables.
// It is safe for concurrent use.
type Logger struct {
	Format   *Format
	If       *web.Template // a request for which it is empty or "0" is not logged; nil logs all
	File     *logfile.File
	Syslog   *errorlog.Syslog
	Severity errorlog.Level
	Path     web.Template
}

// Log implements web.Logger.
func (l *Logger) Log(r *web.Request) {
	if l.If != nil {
		if v := l.If.Eval(r); v == "" || v == "0" {
			return
		}
	}
	switch {
	case l.File != nil:
		l.File.Put(append(l.Format.Append(nil, r), '\n'))
	case l.Syslog != nil:
		if !l.Syslog.Send(l.Format.Append(l.Syslog.AppendHeader(nil, l.Severity), r)) {
			r.Log(errorlog.Warn, "send() to syslog failed", nil)
		}
	default:
		l.appendTo(r)
	}
}

// appendTo appends a line to the file of the request, which is opened for each line. A value of a variable that
// leaves the directory of the configuration is refused.
func (l *Logger) appendTo(r *web.Request) {
	name, ok := l.Path.EvalPath(r)
	if !ok {
		r.LogError("access log \"" + errorlog.Quote(name) + "\" refused, a variable of its name has \"/\" or \"..\"")
		return
	}
	f, err := logfile.OpenAppend(name)
	if err != nil {
		r.Log(errorlog.Crit, "open() \""+errorlog.Quote(name)+"\" failed", errors.Unwrap(err))
		return
	}
	defer f.Close()
	f.Write(append(l.Format.Append(nil, r), '\n'))
}
