package stream

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"syscall"

	"weir/internal/errorlog"
)

// The levels at which sessions log.
const (
	LevelAlert  = errorlog.Alert
	LevelCrit   = errorlog.Crit
	LevelError  = errorlog.Error
	LevelWarn   = errorlog.Warn
	LevelNotice = errorlog.Notice
	LevelInfo   = errorlog.Info
)

// ErrTimedOut is the reason that nginx logs when one of its own timers has expired.
const ErrTimedOut = syscall.ETIMEDOUT

// ErrUnsent is the reason of a HandshakeUpstream that failed because the server did not accept all
// bytes of Connect at once. The text is nginx's.
var ErrUnsent = errors.New("could not send PROXY protocol header at once")

// LogEnabled reports whether a message of that level would be written.
func (s *Session) LogEnabled(level errorlog.Level) bool {
	return s.Server.Settings.ErrorLog.Enabled(level)
}

// Log writes one line to the server's error log: the message, the system's reason if err is not
// nil, and the context of the session.
func (s *Session) Log(level errorlog.Level, msg string, err error) {
	if !s.LogEnabled(level) {
		return
	}
	log := s.Server.Settings.ErrorLog
	b := append([]byte(msg), errorlog.Errno(err)...)
	log.WriteText(level, s.ID, string(s.AppendContext(b)))
	if log.EnabledJSON(level) {
		log.WriteRecord(level, s.ID, &errorlog.Record{Msg: msg, Err: err, Tags: s.contextTags()})
	}
}

// logPlain is Log without the context.
func (s *Session) logPlain(level errorlog.Level, msg string) {
	s.Server.Settings.ErrorLog.Write(level, s.ID, msg)
}

// LogPlain writes one line without the context, as nginx does for the addresses of a new upstream
// connection.
func (s *Session) LogPlain(level errorlog.Level, msg string) {
	if s.LogEnabled(level) {
		s.logPlain(level, msg)
	}
}

// LogFailure logs a Failed event, at the level that ngx_connection_error chooses for its reason.
func (s *Session) LogFailure(ev Event) {
	switch {
	case ev.Op == OpHandshake:
		s.logHandshakeFailure(ev)
		return
	case ev.Side == ClientSide && s.TLS != nil, ev.Side == UpstreamSide && s.upstreamTLS:
		s.logTLSFailure(ev)
		return
	}
	s.Log(failureLevel(ev.Side, ev.Err), ev.Op.String()+" failed", ev.Err)
}

// failureLevel follows ngx_connection_error, and ngx_ssl_connection_error for errors without an
// errno. Network errors and TLS errors of the peer are info for a client and error for a server;
// all others are local failures.
func failureLevel(side Side, err error) errorlog.Level {
	var errno syscall.Errno
	errors.As(err, &errno)
	switch errno {
	case 0, syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.ECONNREFUSED, syscall.ENETDOWN,
		syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH:
		if side == ClientSide {
			return LevelInfo
		}
		return LevelError
	}
	return LevelAlert
}

// SetLogAction sets the current action of the session for the log.
func (s *Session) SetLogAction(d LogAction) { s.doing = d }

// SetUpstreamTLS makes the log describe failures of the server's connection as those of TLS.
func (s *Session) SetUpstreamTLS() { s.upstreamTLS = true }

// SetProxying makes the log context show the last Try and the traffic from now on.
func (s *Session) SetProxying() { s.proxying = true }

// AppendContext appends the end of a log message about the session: its action and its client. It
// follows ngx_stream_log_error and ngx_stream_proxy_log_error.
func (s *Session) AppendContext(b []byte) []byte {
	if s.doing != 0 {
		b = append(append(b, " while "...), s.doing.String()...)
	}
	b = append(append(append(b, ", "...), s.udp()...), "client: "...)
	b = s.Client.Addr.AppendHost(b)
	b = append(append(b, ", server: "...), s.Listen.Addr.String()...)
	if !s.proxying {
		return b
	}
	if n := len(s.Tries); n > 0 {
		b = append(append(append(b, ", upstream: \""...), errorlog.Quote(s.Tries[n-1].Name)...), '"')
	}
	return s.AppendTraffic(append(b, ", "...))
}

// udp returns the word that nginx's log puts before the addresses of a datagram session.
func (s *Session) udp() string {
	if s.UDP() {
		return "udp "
	}
	return ""
}

// contextTags is AppendContext for a log in JSON.
func (s *Session) contextTags() []errorlog.Tag {
	var tags []errorlog.Tag
	if s.doing != 0 {
		tags = append(tags, errorlog.Tag{Name: "action", Text: s.doing.String()})
	}
	tags = append(tags, errorlog.Tag{Name: "client", Text: string(s.Client.Addr.AppendHost(nil))},
		errorlog.Tag{Name: "server", Text: s.Listen.Addr.String()})
	if !s.proxying {
		return tags
	}
	if n := len(s.Tries); n > 0 {
		tags = append(tags, errorlog.Tag{Name: "upstream", Text: s.Tries[n-1].Name})
	}
	t := &s.Traffic
	return append(tags, errorlog.Number("bytes_from_client", t.FromClient.Load()),
		errorlog.Number("bytes_to_client", t.ToClient.Load()),
		errorlog.Number("bytes_from_upstream", t.FromUpstream.Load()),
		errorlog.Number("bytes_to_upstream", t.ToUpstream.Load()))
}

// AppendTraffic appends the traffic so far in nginx's words: "bytes from/to client:1/2, bytes
// from/to upstream:2/1".
func (s *Session) AppendTraffic(b []byte) []byte {
	t := &s.Traffic
	b = strconv.AppendInt(append(b, "bytes from/to client:"...), t.FromClient.Load(), 10)
	b = strconv.AppendInt(append(b, '/'), t.ToClient.Load(), 10)
	b = strconv.AppendInt(append(b, ", bytes from/to upstream:"...), t.FromUpstream.Load(), 10)
	return strconv.AppendInt(append(b, '/'), t.ToUpstream.Load(), 10)
}

// Panicked ends the session after a panic in its driver, in the same way as after a panic in
// Advance. The driver closes the session's connections.
func (s *Session) Panicked(reason any) { s.panicked(reason) }

// panicked ends the session after a panic. It calls the session's modules only to release their
// resources: a generation must not be held forever.
func (s *Session) panicked(reason any) Step {
	s.alert(reason)
	if s.stage != finished {
		s.countEnd(StatusInternal)
	}
	s.Status, s.ending, s.stage = StatusInternal, InternalError, finished
	s.abandonGuarded()
	for s.leases.any() {
		s.releaseGuarded()
	}
	return Step{Do: Finish, Reset: true}
}

func (s *Session) alert(reason any) {
	s.Server.Settings.ErrorLog.Write(LevelAlert, s.ID, fmt.Sprintf("panic: %v %s", reason, debug.Stack()))
}

// abandonGuarded calls the content's Abandon, and logs a panic in it.
func (s *Session) abandonGuarded() {
	c, ok := s.Server.Content.(Abandoner)
	if !ok {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			s.alert(r)
		}
	}()
	c.Abandon(s)
}

// releaseGuarded is release, but it logs a panic in a lease; the remaining leases are still to be
// released.
func (s *Session) releaseGuarded() {
	defer func() {
		if r := recover(); r != nil {
			s.alert(r)
		}
	}()
	s.release()
}
