package stream

import "weir/internal/relay"

// SetLoop sets the number of the loop that runs the session, which selects the shards of shared
// counters. Any number is correct.
func (s *Session) SetLoop(number int) { s.loop = uint8(number) }

// CountFromClient counts n bytes read from the client.
func (s *Session) CountFromClient(n int) { s.Traffic.FromClient.Add(int64(n)) }

// CountToClient counts n bytes that the client's socket has accepted.
func (s *Session) CountToClient(n int) { s.Traffic.ToClient.Add(int64(n)) }

// CountFromUpstream counts n bytes read from the server in a relay with that Spec. It returns the
// number of all bytes read from the server.
func (s *Session) CountFromUpstream(spec *relay.Spec, n int) int64 {
	spec.Peer.Received(s.loop, n)
	return s.Traffic.FromUpstream.Add(int64(n))
}

// CountToUpstream counts n bytes that the server's socket has accepted. spec is that of the relay,
// or nil before it.
func (s *Session) CountToUpstream(spec *relay.Spec, n int) {
	if spec != nil {
		spec.Peer.Sent(s.loop, n)
	}
	s.Traffic.ToUpstream.Add(int64(n))
}

// CountSentEarly adds the bytes that were sent to the server before the relay, or without one, to
// the counters of the server.
func (s *Session) CountSentEarly(peer *relay.Counters) {
	peer.Sent(s.loop, int(s.Traffic.ToUpstream.Load()))
}
