package stream

import (
	"weir/internal/certverify"
	"weir/internal/relay"
	"weir/stream/status"
)

// CountFromClient counts n bytes read from the client.
func (s *Session) CountFromClient(n int) {
	s.Server.Zone.Received(s.Env.Loop, n)
	s.Traffic.FromClient.Add(int64(n))
}

// CountToClient counts n bytes that the client's socket has accepted.
func (s *Session) CountToClient(n int) {
	s.Server.Zone.Sent(s.Env.Loop, n)
	s.Traffic.ToClient.Add(int64(n))
}

// CountFromUpstream counts n bytes read from the server in a relay with that Spec. b contains them, or is
// nil if they are not at hand. It returns the number of all bytes read from the server.
func (s *Session) CountFromUpstream(spec *relay.Spec, n int, b []byte) int64 {
	if spec.Follower != nil {
		spec.Follower.Follow(n, b)
	}
	spec.Peer.Received(s.Env.Loop, n)
	return s.Traffic.FromUpstream.Add(int64(n))
}

// CountToUpstream counts n bytes that the server's socket has accepted. spec is that of the relay,
// or nil before it.
func (s *Session) CountToUpstream(spec *relay.Spec, n int) {
	if spec != nil {
		spec.Peer.Sent(s.Env.Loop, n)
	}
	s.Traffic.ToUpstream.Add(int64(n))
}

// CountSentEarly adds the bytes that were sent to the server before the relay, or without one, to
// the counters of the server.
func (s *Session) CountSentEarly(peer *relay.Counters) {
	peer.Sent(s.Env.Loop, int(s.Traffic.ToUpstream.Load()))
}

// countBegin counts the connection of a new session.
func (s *Session) countBegin() {
	if p := s.Env.Status; p != nil {
		p.Connections.Begin(s.Env.Loop)
	}
}

// enterZone counts the session in the zone of its server. Where the client's name selects the
// server, the connection is counted when the server is known, so that it counts in one zone.
func (s *Session) enterZone() {
	s.Server.Zone.Enter(s.Env.Loop)
	if !s.selectsByName() {
		s.Server.Zone.Connected(s.Env.Loop)
	}
}

func (s *Session) selectsByName() bool { return s.arrival().Names != nil }

// changeServer continues with that server, in its zone.
func (s *Session) changeServer(to *Server) {
	if s.stage != begun {
		s.Server.Zone.Leave(s.Env.Loop)
		to.Zone.Enter(s.Env.Loop)
	}
	s.Server = to
}

// serverKnown counts the connection of a session whose server does not change any more.
func (s *Session) serverKnown() {
	if s.selectsByName() {
		s.Server.Zone.Connected(s.Env.Loop)
	}
}

// countEnd counts the end of the session with that status. A session that ends while it waits for
// the PROXY header, for the handshake or for a preread was not begun: it is discarded.
func (s *Session) countEnd(end Status) {
	if p := s.Env.Status; p != nil {
		p.Connections.End(s.Env.Loop)
	}
	if s.stage == begun {
		return
	}
	if s.stage < content {
		s.serverKnown()
	}
	switch s.stage {
	case header, handshaking, asking, preread, filtering:
		s.Server.Zone.Discarded(s.Env.Loop)
	default:
		s.Server.Zone.Finished(s.Env.Loop, int(end))
	}
	s.Server.Zone.Leave(s.Env.Loop)
}

// countArrival counts the end of a session that is passed to another address. In the zone of its
// server it has succeeded.
func (s *Session) countArrival() {
	if s.stage == begun {
		return
	}
	s.Server.Zone.Finished(s.Env.Loop, int(StatusOK))
	s.Server.Zone.Leave(s.Env.Loop)
}

// tlsCounters returns the counters of handshakes with clients: of the server's zone, and of the
// process. Either may be nil.
func (s *Session) tlsCounters() [2]*status.TLS {
	return [...]*status.TLS{s.Server.Zone.TLS(), s.Env.TLSCounters()}
}

// countHandshake counts the end of the handshake with the client.
func (s *Session) countHandshake(ev Event) {
	for _, c := range s.tlsCounters() {
		switch ev.Kind {
		case HandshakeDone:
			c.Done(ev.TLS.DidResume)
		case TimedOut:
			c.TimedOut()
		case Failed:
			c.Failed(ev.Err)
		}
	}
}

// CountRefusedCertificate counts a client whose certificate is not accepted because of that code, or
// that has none.
func (s *Session) CountRefusedCertificate(code certverify.Code, hasCertificate bool) {
	for _, c := range s.tlsCounters() {
		if code == certverify.OK && !hasCertificate {
			c.NoCertificate()
		}
		c.Unverified(code)
	}
}

// TLSCounters returns the counters of all handshakes of the process, or nil.
func (e *Env) TLSCounters() *status.TLS {
	if e.Status == nil {
		return nil
	}
	return &e.Status.TLS
}
