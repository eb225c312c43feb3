// Package accesslog writes a line about each request.
//
// See https://nginx.org/en/docs/http/ngx_http_log_module.html.
package accesslog

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"weir/internal/errorlog"
	"weir/internal/logescape"
	"weir/internal/logfile"
	"weir/web"
)

// A Format is a compiled log_format. It is immutable.
type Format struct {
	pieces []piece
	escape logescape.Escape
}

// A piece is a literal, or a variable if its index is not negative.
type piece struct {
	text  string
	index int
}

const noVariable = -1

// ParseFormat compiles a log_format against t. The error is nginx's sentence. It follows
// ngx_http_log_compile_format, for which "$1" is an ordinary name.
func ParseFormat(text string, escape logescape.Escape, t *web.VarTable) (*Format, error) {
	f := &Format{escape: escape}
	for text != "" {
		literal, rest, isVariable := strings.Cut(text, "$")
		if literal != "" {
			f.pieces = append(f.pieces, piece{literal, noVariable})
		}
		if !isVariable {
			break
		}
		name, n, err := variable(rest)
		if err != nil {
			return nil, err
		}
		f.pieces = append(f.pieces, piece{"", t.Index(name)})
		text = rest[n:]
	}
	return f, nil
}

// variable reads the name after a dollar sign, and returns its length in bytes with its braces.
func variable(text string) (name string, n int, err error) {
	begin := 0
	if strings.HasPrefix(text, "{") {
		begin = 1
	}
	end := begin
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	name, n = text[begin:end], end
	if begin == 1 {
		if end == len(text) || text[end] != '}' {
			return "", 0, fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
		}
		n++
	}
	if name == "" {
		return "", 0, fmt.Errorf("invalid parameter \"$%s\"", text)
	}
	return name, n, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// Append appends the line for r to b, without a newline.
func (f *Format) Append(b []byte, r *web.Request) []byte {
	for _, p := range f.pieces {
		if p.index == noVariable {
			b = append(b, p.text...)
			continue
		}
		start := len(b)
		text, found := r.Value(p.index)
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
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		r.Log(errorlog.Crit, "open() \""+errorlog.Quote(name)+"\" failed", errors.Unwrap(err))
		return
	}
	defer f.Close()
	f.Write(append(l.Format.Append(nil, r), '\n'))
}
