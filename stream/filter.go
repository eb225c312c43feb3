package stream

// A Filter changes the first bytes of a client on their way to the server. It runs after all phases,
// which see the bytes as the client sent them, and before the content. Datagram sessions have no
// filter.
//
// Like a Handler it decides at once, is shared by all sessions of a server, and must not change.
type Filter interface {
	// Filter examines Head and may replace it with ReplaceHead. With the verdict More it is called
	// again after at most room further bytes have arrived, within preread_timeout; Next and Done
	// begin the content. The session logs a non-nil error at level error.
	Filter(s *Session) (v Verdict, room int, err error)
}

// filter runs the filter of the session's server, and then begins the content.
func (s *Session) filter() Step {
	s.stage = walking
	f := s.Server.Filter
	if f == nil || s.UDP() {
		return s.beginContent()
	}
	v, room, err := f.Filter(s)
	if err != nil {
		s.Log(LevelError, err.Error(), nil)
	}
	switch {
	case v.ends():
		s.SetEnding(Rejected)
		return s.Finish(Status(v))
	case v == More:
		return s.readMore(filtering, room)
	}
	return s.beginContent()
}

// ReplaceHead makes head what the content sends to the server instead of the bytes in Head, which
// count as received from the client now.
func (s *Session) ReplaceHead(head []byte) {
	s.CountFromClient(len(s.Head))
	s.KeepHead(head)
}
