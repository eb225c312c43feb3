package web

import (
	"strings"

	"weir/internal/errorlog"
)

// Log writes one line to the location's error log: the message, the system's reason if err is not nil, and
// the context of the request. It follows ngx_http_log_error_handler.
func (r *Request) Log(level errorlog.Level, msg string, err error) {
	log := r.Location.ErrorLog
	if !log.Enabled(level) {
		return
	}
	var b strings.Builder
	b.WriteString(msg)
	b.WriteString(errorlog.Errno(err))
	b.WriteString(", client: " + r.Conn.Client.Host() + ", server: " + r.Server.Name)
	b.WriteString(", request: \"" + errorlog.Quote(r.Line()) + "\"")
	if r.HTTP.Host != "" {
		b.WriteString(", host: \"" + errorlog.Quote(r.HTTP.Host) + "\"")
	}
	if from := r.HTTP.Referer(); from != "" {
		b.WriteString(", referrer: \"" + errorlog.Quote(from) + "\"")
	}
	log.Write(level, r.Conn.ID, b.String())
}

// LogError logs at the level error, without a reason of the system.
func (r *Request) LogError(msg string) { r.Log(errorlog.Error, msg, nil) }

// LogInfo logs at the level info, without a reason of the system.
func (r *Request) LogInfo(msg string) { r.Log(errorlog.Info, msg, nil) }

// Line returns the request line.
func (r *Request) Line() string { return r.HTTP.Method + " " + r.HTTP.RequestURI + " " + r.HTTP.Proto }
