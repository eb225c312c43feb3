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
	s.SetDoing(stream.ReadingFromClient)
	s.LogFailure(ev)
	s.SetDoing(stream.Proxying)
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
