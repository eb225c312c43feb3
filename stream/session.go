// Package stream is the core of weir: sessions, the phases that they walk, their variables, and the compiled configuration that
// they follow. A session does no I/O; a Driver carries it.
package stream

import (
	"errors"
	"time"

	"weir/internal/proxyproto"
	"weir/internal/relay"
)

// A Session is one client from accept to log. It is not safe for concurrent use: exactly one driver holds it, and calls Advance.
// Between the step Relay and the events that answer it, the driver writes Traffic and nothing else may touch the session.
type Session struct {
	ID          uint64 // the client connection's number
	Client      Client
	Head        []byte             // read but not yet consumed; let go when the relay starts
	ProxyHeader *proxyproto.Header // what the PROXY header said; nil without one
	Listen      *Listen
	Server      *Server
	Env         *Env  // its driver's
	Tries       []Try // one for each upstream attempt, and one for a group that had no server
	Traffic     relay.Result
	Status      Status

	doing     LogAction
	stage     stage
	phase     uint8         // a Phase
	index     uint16        // the next handler of phase
	received  bool          // bytes were read from the client
	lent      bool          // Head is the driver's, until Advance returns
	opening   bool          // what was read only opens a connection
	passedOn  bool          // bytes were written to an upstream server
	proxying  bool          // the log context shows the upstream and the traffic
	tentative bool          // what is being evaluated is made without what a preread may still find
	depth     uint8         // of nested variables
	start     int64         // of relay.Monotonic
	deadline  time.Duration // of the PROXY header or the preread, counted from its start; 0: it has not waited yet
	vars      *[]kept       // nil: none
	state     []keyed
	leases    leases
}

// A Client is the client's end of a session.
type Client struct {
	Addr  Addr  // the client
	Local *Addr // the address that it connected to, as the accepted socket has it; shared, not to be changed. nil stands for that of the Listen
}

// A Try is one attempt to reach an upstream server. Its times are counted from its Start; negative: it did not come to that.
type Try struct {
	Name      string        // as $upstream_addr shows it; the group's name when it had no server to offer
	Start     time.Duration // counted from the session's start
	Connect   time.Duration
	FirstByte time.Duration
	Total     time.Duration
	Sent      int64
	Received  int64
}

type stage uint8

const (
	begun    stage = iota
	header         // reading the PROXY header
	walking        // in the phases
	preread        // waiting for more bytes on behalf of a preread handler
	content        // in the server's content
	finished       // the step Finish has been given
)

// NewSession returns the session of a client that l has accepted. The lease, released when the session ends, holds what l belongs
// to; it may be nil.
func NewSession(l *Listen, env *Env, client Client, lease Lease) *Session {
	if client.Local == nil {
		client.Local = &l.Addr
	}
	s := &Session{ID: env.NextID(), Client: client, Listen: l, Server: l.Default, Env: env, start: relay.Monotonic(env.Now())}
	s.Hold(lease)
	return s
}

// UDP reports whether the session is one of datagrams.
func (s *Session) UDP() bool { return s.Listen.Addr.UDP }

// Elapsed is how long the session has lasted.
func (s *Session) Elapsed() time.Duration {
	return time.Duration(relay.Monotonic(s.Env.Now()) - s.start)
}

// Hold adds to what the session gives back when it ends, last first. A nil lease is none.
func (s *Session) Hold(l Lease) {
	if l != nil {
		s.leases.push(l)
	}
}

// Advance takes one event, goes as far as it can without waiting, and says what must happen next. After Finish it is over. A panic
// on the way ends this session alone, with 500 and an alert.
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
		s.takeFirst(ev.Data)
		return s.begin()
	case header:
		return s.readHeader(ev)
	case preread:
		return s.prereadMore(ev)
	case content:
		return s.Server.Content.Next(s, ev)
	}
	panic("stream: event for a session that has finished")
}

// unwatched ends a session that could not learn of what happens to one of its sockets.
func (s *Session) unwatched(err error) Step {
	s.Log(LevelAlert, OpWatch.String()+" failed", err)
	s.abandonGuarded()
	return s.Finish(StatusInternal)
}

// KeepHead makes head, which must hold the same bytes, the session's own copy of Head. Within one Advance, Head may be the driver's
// buffer; a Content that copies it anyway, into Out, saves another copy by saying so.
func (s *Session) KeepHead(head []byte) { s.Head, s.lent = head, false }

// TakeHead gives what was read of the client, and not yet consumed, to the driver that does the step ShakeClient: it is the beginning
// of the handshake. What is read from then on is what the client says in it.
func (s *Session) TakeHead() []byte {
	head := s.Head
	s.KeepHead(nil)
	s.received = false
	return head
}

// begin is the session's first step, on Accepted: from a driver, or after Arrive. What an address means that a wildcard serves besides
// is the address's; Listen stays the wildcard, which the log goes on naming as nginx does.
func (s *Session) begin() Step {
	l := s.arrival()
	s.Server = l.Default
	if s.LogEnabled(LevelInfo) {
		s.logPlain(LevelInfo, s.udp()+"client "+s.Client.Addr.String()+" connected to "+l.Addr.String())
	}
	s.doing = Initializing
	if !l.ProxyProtocol {
		return s.walk()
	}
	s.doing = ReadingProxyProtocol
	if proxyproto.Partial(s.Head) {
		return s.waitForHeader()
	}
	return s.parseHeader()
}

// waitForHeader asks for the rest of the PROXY header. One time-out counts for all of it.
func (s *Session) waitForHeader() Step {
	s.stage = header
	if s.deadline == 0 {
		s.deadline = s.Elapsed() + s.Server.Settings.ProxyProtocolTimeout
	}
	return Step{Do: Read, Max: proxyproto.MaxHeader - len(s.Head), Deadline: s.Env.Now().Add(s.deadline - s.Elapsed())}
}

// readHeader takes the first bytes, which begin with the PROXY header. A part of it is waited for, unless the client has ended its input.
func (s *Session) readHeader(ev Event) Step {
	switch ev.Kind {
	case TimedOut:
		s.Log(LevelInfo, "client timed out", ErrTimedOut)
		return s.Finish(StatusOK)
	case Failed:
		s.LogFailure(ev)
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

// parseHeader takes the PROXY header out of Head.
func (s *Session) parseHeader() Step {
	h, n, err := proxyproto.Parse(s.Head)
	if err != nil {
		if !errors.Is(err, proxyproto.ErrSilent) {
			s.Log(LevelError, err.Error(), nil)
		}
		return s.Finish(StatusBadRequest)
	}
	s.ProxyHeader, s.deadline = h, 0
	s.Head = s.Head[n:]
	s.received = len(s.Head) > 0
	s.doing = Initializing
	return s.walk()
}

// takeFirst takes the datagram that a session of datagrams begins with. As in ngx_stream_init_connection it counts as received, whatever
// becomes of the session.
func (s *Session) takeFirst(data []byte) {
	if s.UDP() {
		s.take(data)
		s.Traffic.FromClient.Add(int64(len(data)))
	}
}

// take appends what was read to Head. The first bytes stay where they are until it is known whether they are needed for longer.
func (s *Session) take(data []byte) {
	if len(s.Head) == 0 {
		s.Head, s.lent = data[:len(data):len(data)], len(data) > 0
	} else {
		s.Head = append(s.Head, data...)
	}
	s.received = s.received || len(data) > 0
}

// walk runs the handlers of the phases from where the session stands, and the content after the last of them.
func (s *Session) walk() Step {
	s.stage = walking
	for s.phase < NumPhases {
		handlers := s.Server.Handlers[s.phase]
		if int(s.index) >= len(handlers) || s.UDP() && Phase(s.phase).ofStreams() {
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
	return s.beginContent()
}

func (s *Session) enterNextPhase() {
	s.phase++
	s.index, s.deadline = 0, 0
	if Phase(s.phase) == Preread {
		s.doing = Prereading
	}
}

// waitForMore asks for bytes on behalf of a preread handler, as ngx_stream_core_preread_phase: one time-out for the whole wait,
// one buffer.
func (s *Session) waitForMore() Step {
	set := &s.Server.Settings
	room := set.PrereadBufferSize - len(s.Head)
	if room <= 0 {
		s.Log(LevelError, "preread buffer full", nil)
		return s.Finish(StatusBadRequest)
	}
	s.stage = preread
	if s.deadline == 0 {
		s.deadline = s.Elapsed() + set.PrereadTimeout
	}
	return Step{Do: Read, Max: room, Deadline: s.Env.Now().Add(s.deadline - s.Elapsed())}
}

func (s *Session) prereadMore(ev Event) Step {
	switch ev.Kind {
	case Bytes:
		s.take(ev.Data)
		return s.walk()
	case Failed:
		s.LogFailure(ev)
	case Aborted:
		return s.shutdown()
	}
	return s.Finish(StatusOK)
}

func (s *Session) beginContent() Step {
	s.doing = 0
	if s.Server.Content == nil {
		return s.Finish(StatusInternal)
	}
	s.stage = content
	return s.Server.Content.Begin(s)
}

// shutdown ends a session that was aborted before its content began.
func (s *Session) shutdown() Step {
	s.Log(LevelInfo, "shutdown timeout", nil)
	return s.Finish(StatusOK)
}

// SetOpening marks what was read of the client as the opening of a connection, which is of no use to a server once the client has gone.
func (s *Session) SetOpening() { s.opening = true }

// OnlyOpened reports whether what was read of the client is the opening of a connection and no more: a session whose client then ends
// its input is over.
func (s *Session) OnlyOpened() bool { return s.opening }

// ReadOn says that a driver reads the client while the session waits for something else, and has read n more bytes. Then nothing of it is
// left in the socket that would make the end a reset.
func (s *Session) ReadOn(n int) {
	s.received = false
	if n > 0 {
		s.opening = false
	}
}

// PassedOn says that what was read from the client is on its way to a server, and lets go of it.
func (s *Session) PassedOn() {
	s.KeepHead(nil)
	s.passedOn = true
}

// Finish ends the session with that status: it is logged, what it holds is given back, last first, and the driver is told to
// close. A Content calls it when it is over.
func (s *Session) Finish(status Status) Step {
	if s.stage == finished {
		panic("stream: session finished twice")
	}
	s.stage = finished
	s.Status = status
	for _, l := range s.Server.Loggers {
		l.Log(s)
	}
	s.release()
	return Step{Do: Finish, Reset: s.received && !s.passedOn}
}

// release gives back what the session holds, last first. A lease is let go of before it is released, so that none is released twice.
func (s *Session) release() {
	for l := s.leases.pop(); l != nil; l = s.leases.pop() {
		l.Release()
	}
}
