// Package stream is the core of weir: sessions, their phases, their variables, and the compiled
// configuration. A session does no I/O; a Driver runs it.
package stream

import (
	"errors"
	"slices"
	"time"

	"weir/internal/proxyproto"
	"weir/internal/relay"
)

// A Session is one client from accept to log. It is not safe for concurrent use: exactly one driver
// owns it and calls Advance. Between the step Relay and the events that answer it, the driver
// writes Traffic and nothing else may touch the session.
type Session struct {
	ID          uint64 // the client connection's number
	Client      Client
	Head        []byte             // read but not yet consumed; released when the relay starts
	ProxyHeader *proxyproto.Header // the parsed PROXY header, or nil
	TLS         *TLSState          // of the client's handshake; nil on plain connections and before the handshake begins
	Listen      *Listen
	Server      *Server
	Env         *Env  // its driver's
	Tries       []Try // one for each upstream attempt, and one for a group without an available server
	Traffic     relay.Result
	Status      Status

	doing       LogAction
	stage       stage
	phase       uint8         // a Phase
	ending      Ending        // why it ends; until it has ended, what would be the reason
	index       uint16        // the next handler of phase
	received    bool          // bytes were read from the client
	lent        bool          // Head is the driver's buffer, until Advance returns
	opening     bool          // the bytes read only open a connection
	passedOn    bool          // bytes were written to an upstream server
	upstreamTLS bool          // the connection to the server has TLS
	proxying    bool          // the log context shows the upstream and the traffic
	tentative   bool          // the value being evaluated may lack data that a preread may still find
	depth       uint8         // of nested variables
	start       int64         // by relay.Monotonic
	deadline    time.Duration // of the PROXY header, the handshake or the preread, since the session's start; 0 until the first wait
	vars        *[]kept       // nil if empty
	state       []keyed
	leases      leases
}

// A Client is the client end of a session.
type Client struct {
	Addr  Addr  // the client
	Local *Addr // the accepted socket's address; shared, must not be changed; nil stands for the address of the Listen
}

// A Try is one attempt to reach an upstream server. Its times are counted from its Start; a
// negative time means that the attempt did not reach that point.
type Try struct {
	Name      string        // as $upstream_addr shows it; the group's name if it had no available server
	Start     time.Duration // since the session's start
	Connect   time.Duration
	FirstByte time.Duration
	Total     time.Duration
	Sent      int64
	Received  int64
}

type stage uint8

const (
	begun       stage = iota
	header            // reading the PROXY header
	walking           // in the phases
	handshaking       // in the handshake with the client, before the handlers of the phase SSL
	asking            // waiting for the status of the client's certificate
	preread           // waiting for more bytes for a preread handler
	filtering         // waiting for more bytes for the filter
	content           // in the server's content
	finished          // the step Finish was returned
)

// NewSession returns the session of a client that l accepted. The lease, released when the session
// ends, keeps the generation of l alive; it may be nil.
func NewSession(l *Listen, env *Env, client Client, lease Lease) *Session {
	if client.Local == nil {
		client.Local = &l.Addr
	}
	s := &Session{ID: env.NextID(), Client: client, Listen: l, Server: l.Default, Env: env, start: relay.Monotonic(env.Now())}
	s.Hold(lease)
	s.countBegin()
	return s
}

// UDP reports whether this is a datagram session.
func (s *Session) UDP() bool { return s.Listen.Addr.UDP }

// Elapsed returns how long the session has lasted.
func (s *Session) Elapsed() time.Duration {
	return time.Duration(relay.Monotonic(s.Env.Now()) - s.start)
}

// Hold adds a lease that the session releases when it ends, last first. A nil lease is ignored.
func (s *Session) Hold(l Lease) {
	if l != nil {
		s.leases.push(l)
	}
}

// Advance handles one event, proceeds as far as possible without waiting, and returns the next
// step. After Finish the session is over. A panic ends only this session, with 500 and an alert.
func (s *Session) Advance(ev Event) (step Step) {
	defer func() {
		if r := recover(); r != nil {
			step = s.panicked(r)
		}
	}()
	step = s.advance(ev)
	if s.lent && s.stage != finished {
		s.KeepHead(append([]byte(nil), s.Head...))
	}
	return step
}

func (s *Session) advance(ev Event) Step {
	if ev.Kind == Failed && ev.Op == OpWatch {
		return s.unwatched(ev.Err)
	}
	switch s.stage {
	case begun:
		return s.begin(ev.Data)
	case header:
		return s.readHeader(ev)
	case handshaking:
		return s.endHandshake(ev)
	case asking:
		return s.endStatus(ev)
	case preread, filtering:
		return s.prereadMore(ev)
	case content:
		return s.Server.Content.Next(s, ev)
	}
	panic("stream: event for a session that has finished")
}

// unwatched ends a session whose socket could not be registered for events.
func (s *Session) unwatched(err error) Step {
	s.SetEnding(InternalError)
	s.Log(LevelAlert, OpWatch.String()+" failed", err)
	s.abandonGuarded()
	return s.Finish(StatusInternal)
}

// KeepHead makes head, which must contain the same bytes, the session's own copy of Head. Within
// one Advance, Head may be the driver's buffer; a Content that copies it into Out anyway can call
// KeepHead to save another copy.
func (s *Session) KeepHead(head []byte) { s.Head, s.lent = head, false }

// TakeHead moves the bytes read from the client and not yet consumed to the driver that performs
// the step HandshakeClient: they are the start of the handshake. Bytes read afterwards belong to
// the handshake.
func (s *Session) TakeHead() []byte {
	head := s.Head
	s.KeepHead(nil)
	s.received = false
	return head
}

// begin is the session's first step, on Accepted: from a driver, or after Arrive. A specific
// address covered by a wildcard socket uses its own servers. Listen stays the wildcard, which the
// log continues to name, as in nginx.
func (s *Session) begin(first []byte) Step {
	l := s.arrival()
	s.Server, s.stage = l.Default, walking
	s.enterZone()
	s.takeFirst(first)
	if s.LogEnabled(LevelInfo) {
		s.logPlain(LevelInfo, s.udp()+"client "+s.Client.Addr.String()+" connected to "+l.Addr.String())
	}
	s.doing = Initializing
	if !l.ProxyProtocol {
		return s.walk()
	}
	s.stage, s.doing = header, ReadingProxyProtocol
	if proxyproto.Partial(s.Head) {
		return s.waitForHeader()
	}
	return s.parseHeader()
}

// waitForHeader asks for the rest of the PROXY header. One timeout covers all of it.
func (s *Session) waitForHeader() Step {
	if s.deadline == 0 {
		s.deadline = s.Elapsed() + s.Server.Settings.ProxyProtocolTimeout
	}
	return Step{Do: Read, Max: proxyproto.MaxHeader - len(s.Head), Deadline: s.Env.Now().Add(s.deadline - s.Elapsed())}
}

// readHeader reads the first bytes, which start with the PROXY header. It waits for the rest of a
// partial header, unless the client has ended its input.
func (s *Session) readHeader(ev Event) Step {
	switch ev.Kind {
	case TimedOut:
		s.Log(LevelInfo, "client timed out", ErrTimedOut)
		s.SetEnding(HeaderTimeout)
		return s.Finish(StatusOK)
	case Failed:
		s.LogFailure(ev)
		s.SetEnding(ClientReset)
		return s.Finish(StatusOK)
	case Aborted:
		return s.shutdown()
	}
	s.take(ev.Data)
	if ev.Kind == Bytes && proxyproto.Partial(s.Head) {
		return s.waitForHeader()
	}
	return s.parseHeader()
}

// parseHeader removes the PROXY header from Head.
func (s *Session) parseHeader() Step {
	h, n, err := proxyproto.Parse(s.Head)
	if err != nil {
		if !errors.Is(err, proxyproto.ErrSilent) {
			s.Log(LevelError, err.Error(), nil)
		}
		s.SetEnding(HeaderInvalid)
		return s.Finish(StatusBadRequest)
	}
	s.ProxyHeader, s.deadline = h, 0
	s.Head = s.Head[n:]
	s.received = len(s.Head) > 0
	s.doing = Initializing
	return s.walk()
}

// takeFirst takes the first datagram of a datagram session. As in ngx_stream_init_connection, it
// counts as received, however the session ends.
func (s *Session) takeFirst(data []byte) {
	if s.UDP() {
		s.take(data)
		s.CountFromClient(len(data))
	}
}

// take appends the bytes read to Head. The first bytes stay in the driver's buffer until they are
// needed for longer.
func (s *Session) take(data []byte) {
	if len(s.Head) == 0 {
		s.Head, s.lent = slices.Clip(data), len(data) > 0
	} else {
		s.Head = append(s.Head, data...)
	}
	s.received = s.received || len(data) > 0
}

// walk runs the handlers of the phases from the session's position, and the content after the last
// of them.
func (s *Session) walk() Step {
	s.stage = walking
	for s.phase < NumPhases {
		if Phase(s.phase) == SSL && s.needsHandshake() {
			return s.beginHandshake()
		}
		handlers := s.Server.Handlers[s.phase]
		if int(s.index) >= len(handlers) || s.skips(Phase(s.phase)) {
			s.enterNextPhase()
			continue
		}
		h := handlers[s.index]
		if h == nil {
			s.index++
			continue
		}
		verdict, err := h.Handle(s)
		if err != nil {
			s.Log(LevelError, err.Error(), nil)
		}
		switch {
		case verdict.ends():
			s.SetEnding(Rejected)
			return s.Finish(Status(verdict))
		case verdict == More:
			return s.waitForMore()
		case verdict == Done:
			s.enterNextPhase()
		default:
			s.index++
			s.deadline = 0
		}
	}
	return s.filter()
}

// skips reports whether the session has no phase p: datagrams have neither SSL nor Preread, and plain
// connections have no SSL.
func (s *Session) skips(p Phase) bool {
	switch p {
	case SSL:
		return !s.arrival().TLS
	case Preread:
		return s.UDP()
	}
	return false
}

func (s *Session) enterNextPhase() {
	s.phase++
	s.index, s.deadline = 0, 0
	if Phase(s.phase) == Preread {
		s.doing = Prereading
	}
}

// waitForMore asks for bytes for a preread handler, as ngx_stream_core_preread_phase: one timeout
// for the whole wait, one buffer.
func (s *Session) waitForMore() Step {
	set := &s.Server.Settings
	room := set.PrereadBufferSize - len(s.Head)
	if room <= 0 {
		s.Log(LevelError, "preread buffer full", nil)
		return s.Finish(StatusBadRequest)
	}
	return s.readMore(preread, room)
}

// readMore asks for up to room bytes; preread_timeout limits all such reads of one stage together.
func (s *Session) readMore(by stage, room int) Step {
	s.stage = by
	if s.deadline == 0 {
		s.deadline = s.Elapsed() + s.Server.Settings.PrereadTimeout
	}
	return Step{Do: Read, Max: room, Deadline: s.Env.Now().Add(s.deadline - s.Elapsed())}
}

func (s *Session) prereadMore(ev Event) Step {
	switch ev.Kind {
	case Bytes:
		s.take(ev.Data)
		if s.stage == filtering {
			return s.filter()
		}
		return s.walk()
	case EOF:
		s.SetEnding(ClientClosed)
	case TimedOut:
		s.SetEnding(PrereadTimeout)
	case Failed:
		s.LogFailure(ev)
		s.SetEnding(ClientReset)
	case Aborted:
		return s.shutdown()
	}
	return s.Finish(StatusOK)
}

func (s *Session) beginContent() Step {
	s.serverKnown()
	s.stage, s.doing = content, 0
	if s.Server.Content == nil {
		return s.Finish(StatusInternal)
	}
	return s.Server.Content.Begin(s)
}

// shutdown ends a session that was aborted before its content began.
func (s *Session) shutdown() Step {
	s.Log(LevelInfo, "shutdown timeout", nil)
	s.SetEnding(Shutdown)
	return s.Finish(StatusOK)
}

// SetOpening marks the bytes read from the client as the opening of a connection, which is useless
// to a server once the client has gone.
func (s *Session) SetOpening() { s.opening = true }

// OnlyOpened reports whether the bytes read from the client only open a connection. Such a session
// ends when its client ends its input.
func (s *Session) OnlyOpened() bool { return s.opening }

// ReadOn records that the driver read n more bytes from the client while the session waited for
// something else. After that, no unread bytes are left in the socket that would turn the close into
// a reset.
func (s *Session) ReadOn(n int) {
	s.received = false
	if n > 0 {
		s.opening = false
	}
}

// PassedOn records that the bytes read from the client are on their way to a server, and releases
// them.
func (s *Session) PassedOn() {
	s.KeepHead(nil)
	s.passedOn = true
}

// Finish ends the session with that status: it logs the session, releases its leases, last first,
// and returns the step that makes the driver close. A Content calls it at its end.
func (s *Session) Finish(status Status) Step {
	if s.stage == finished {
		panic("stream: session finished twice")
	}
	s.countEnd(status)
	s.ending = s.endingOf(status)
	s.stage = finished
	s.Status = status
	for _, l := range s.Server.Loggers {
		l.Log(s)
	}
	s.release()
	return Step{Do: Finish, Reset: s.received && !s.passedOn}
}

// release releases the session's leases, last first. A lease is removed before its release, so that
// none is released twice.
func (s *Session) release() {
	for l := s.leases.pop(); l != nil; l = s.leases.pop() {
		l.Release()
	}
}
