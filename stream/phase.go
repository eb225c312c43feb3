package stream

// Phase names a step in the processing of a session.
//
// See https://nginx.org/en/docs/stream/stream_processing.html.
type Phase int

// The phases that hold handlers, in the order in which a session walks them. Content and log follow; they are not lists of handlers.
const (
	PostAccept Phase = iota
	PreAccess
	Access
	SSL
	Preread
	NumPhases = iota
)

// ofStreams reports whether the phase is about what comes first on a connection, so that sessions of datagrams pass it by.
func (p Phase) ofStreams() bool { return p == SSL || p == Preread }

// A Verdict is what a Handler or a Filter says of a session. One of 200 and above ends the session with that status.
type Verdict int

// The verdicts that are not a status.
const (
	Next Verdict = iota // declined: next handler of this phase
	Done                // settled: next phase
	More                // preread and filters: call again with more bytes
)

// ends reports whether the verdict is the status that the session ends with.
func (v Verdict) ends() bool { return v >= Verdict(StatusOK) }

// A Handler judges a session in one phase. It decides at once from what the session knows: it never waits and does no I/O. The
// session logs the error, if there is one, at level error. A Handler is shared by all sessions of a server and must not change.
type Handler interface {
	Handle(s *Session) (Verdict, error)
}

// A Filter may replace Head, the client's first bytes, before the first Connect; More asks for more of them.
type Filter interface {
	First(s *Session) (Verdict, error)
}

// Content produces what a session does after its phases. Begin starts it; Next continues it after each event, Aborted too.
// When it is over it returns s.Finish(status), with everything that it took given back.
type Content interface {
	Begin(s *Session) Step
	Next(s *Session, ev Event) Step
}

// An Abandoner is a Content that can give back what it holds for a session that a bug of ours has ended. Abandon may come at any
// time, also when nothing is held any more.
type Abandoner interface {
	Abandon(s *Session)
}

// A Logger records a session that has ended. Loggers run in the order of the configuration, before the connections close.
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
