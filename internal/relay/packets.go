package relay

// Packets counts the datagrams of a relay.
type Packets struct {
	Requests  int // from the client, including the one that began the session
	Responses int // from the server; a refusal counts as one
}

// Full reports whether the client's datagrams complete a session, so that the next one begins
// another.
func (s *Spec) Full(p Packets) bool { return s.Requests > 0 && p.Requests >= s.Requests }

// Missing reports whether fewer answers have arrived than expected. If any number is allowed, it is
// false.
func (s *Spec) Missing(p Packets) bool {
	return s.Responses >= 0 && p.Responses < s.Responses*p.Requests
}

// Over reports whether the relay is complete, by the number of requests and of answers to them. It
// follows ngx_stream_proxy_test_finalize.
func (s *Spec) Over(p Packets) bool {
	return (s.Requests == 0 || s.Full(p)) && s.Responses >= 0 && !s.Missing(p)
}
