package proxy

import "weir/stream"

// clientEnded ends a session that is not connected yet when its client has ended its input and has sent no more than the opening of a
// connection: the relay would end at once, and a broker would end the newer session of the same client. Any other client may still read,
// and so may each one with proxy_half_close.
func (r *run) clientEnded(s *stream.Session) stream.Step {
	if !s.OnlyOpened() || r.Relay.HalfClose {
		return stream.Step{}
	}
	return r.clientGone(s)
}

// clientFailed ends a session that is not connected yet when the connection to its client has broken.
func (r *run) clientFailed(s *stream.Session, ev stream.Event) stream.Step {
	s.SetLogAction(stream.ReadingFromClient)
	s.LogFailure(ev)
	s.SetLogAction(stream.Proxying)
	return r.clientGone(s)
}

// clientGone ends the session as a relay ends whose client has gone. The server that it waited for has not failed.
func (r *run) clientGone(s *stream.Session) stream.Step {
	logClientGone(s)
	if r.asked != nil {
		return s.Finish(stream.StatusOK)
	}
	r.number(s)
	return r.finish(s, stream.StatusOK)
}

// ahead is how much of the client is read while the session waits for a server: what it has in Head counts, as in nginx, which has not
// taken that out of the socket.
func (c *Content) ahead(s *stream.Session) int {
	if s.UDP() {
		return c.Relay.BufferSize
	}
	return max(c.Relay.BufferSize-len(s.Head), 0)
}

// clientSent takes account of n bytes that the client has sent while the session waits for a server. As in nginx the log calls that
// proxying, until the next server is tried.
func (r *run) clientSent(s *stream.Session, n int) {
	s.ReadOn(n)
	if n+len(s.Head) == 0 {
		return
	}
	r.countHead(s)
	s.Traffic.FromClient.Add(int64(n))
	s.SetLogAction(stream.Proxying)
}
