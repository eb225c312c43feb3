package stream

// Phase names a step in the processing of a session.
//
// See https://nginx.org/en/docs/stream/stream_processing.html.
type Phase int

// The phases with handlers, in the order in which a session passes them. Content and log follow;
// they have no handler lists. A connection with TLS has its handshake before the handlers of SSL, and
// only such a connection has the phase SSL.
const (
	PostAccept Phase = iota
	PreAccess
	Access
	SSL
	Preread
	NumPhases = iota
)

// A Verdict is the result of a Handler or a Filter. A verdict of 200 or more ends the session with
// that status.
type Verdict int

// The verdicts that are not a status.
const (
	Next Verdict = iota // declined: next handler of this phase
	Done                // decided: next phase
	More                // preread and filters: call again with more bytes
)

// ends reports whether the verdict is a final status.
func (v Verdict) ends() bool { return v >= Verdict(StatusOK) }

// A Handler processes a session in one phase. It decides at once from the session's data: it never
// waits and does no I/O. The session logs a non-nil error at level error. A Handler is shared by
// all sessions of a server and must not change.
type Handler interface {
	Handle(s *Session) (Verdict, error)
}

// Content handles a session after its phases. Begin starts it; Next continues it after each event,
// including Aborted. At the end it releases its resources and returns s.Finish(status).
type Content interface {
	Begin(s *Session) Step
	Next(s *Session, ev Event) Step
}

// An Abandoner is a Content that can release its resources for a session that ended with a panic.
// Abandon may be called at any time, even if there is nothing to release.
type Abandoner interface {
	Abandon(s *Session)
}

// A Logger records a session that has ended. Loggers run in the order of the configuration,
// before the connections close.
type Logger interface {
	Log(s *Session)
}

// Status is the result of a session.
//
// See $status in https://nginx.org/en/docs/stream/ngx_stream_core_module.html.
type Status uint16

// The statuses that a session may end with.
const (
	StatusOK          Status = 200
	StatusBadRequest  Status = 400
	StatusForbidden   Status = 403
	StatusInternal    Status = 500
	StatusBadGateway  Status = 502
	StatusUnavailable Status = 503
)
