package relay

// Packets counts the datagrams of a relay.
type Packets struct {
	Requests  int // from the client, the one that began the session among them
	Responses int // from the server; a refusal counts as one
}

// Full reports whether the client's datagrams make a session, so that the next one begins another.
func (s *Spec) Full(p Packets) bool { return s.Requests > 0 && p.Requests >= s.Requests }

// Missing reports whether fewer answers have come than are waited for. Where any number may come, none is ever missing.
func (s *Spec) Missing(p Packets) bool {
	return s.Responses >= 0 && p.Responses < s.Responses*p.Requests
}

// Over reports whether the relay is complete: by the requests that make a session, and the answers to them. It follows
// ngx_stream_proxy_test_finalize.
func (s *Spec) Over(p Packets) bool {
	return (s.Requests == 0 || s.Full(p)) && s.Responses >= 0 && !s.Missing(p)
}
