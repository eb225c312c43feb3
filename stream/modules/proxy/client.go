package proxy

import "weir/stream"

// clientEnded ends a session that is not connected yet if its client has ended its input after
// sending only the opening of a connection: the relay would end at once, and a broker would end the
// newer session of the same client. Any other client may still read, and so may every client with
// proxy_half_close.
func (r *run) clientEnded(s *stream.Session) stream.Step {
	if !s.OnlyOpened() || r.Relay.HalfClose {
		return stream.Step{}
	}
	return r.clientGone(s, stream.ClientClosed)
}

// clientFailed ends a session that is not connected yet after the connection to its client has
// failed.
func (r *run) clientFailed(s *stream.Session, ev stream.Event) stream.Step {
	s.SetLogAction(stream.ReadingFromClient)
	s.LogFailure(ev)
	s.SetLogAction(stream.Proxying)
	return r.clientGone(s, stream.ClientReset)
}

// clientGone ends the session like a relay whose client has gone. The server that it waited for is
// not counted as failed.
func (r *run) clientGone(s *stream.Session, why stream.Ending) stream.Step {
	s.SetEnding(why)
	logClientGone(s)
	if r.asked != nil {
		return s.Finish(stream.StatusOK)
	}
	r.number(s)
	return r.finish(s, stream.StatusOK)
}

// ahead returns the number of bytes to read from the client while the session waits for a server.
// The bytes in Head count, because nginx has not yet read them from the socket.
func (c *Content) ahead(s *stream.Session) int {
	if s.UDP() {
		return c.Relay.BufferSize
	}
	return max(c.Relay.BufferSize-len(s.Head), 0)
}

// clientSent records n bytes that the client sent while the session waits for a server. As in nginx
// the log calls this proxying, until the next server is tried.
func (r *run) clientSent(s *stream.Session, n int) {
	s.ReadOn(n)
	if n+len(s.Head) == 0 {
		return
	}
	r.countHead(s)
	s.CountFromClient(n)
	s.SetLogAction(stream.Proxying)
}
