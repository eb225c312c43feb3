package stream

import "weir/internal/relay"

// Arrive resets the session as if l had just accepted it at local: nothing is logged, no variable
// has a value, no module state is kept. Its number, its client, the bytes already read, the PROXY
// header, the TLS state and its leases remain. The caller continues with s.Advance(Event{Kind:
// Accepted}). l must belong to the session's configuration.
//
// It follows ngx_stream_pass_handler, which passes the connection to the handler of the other
// listen.
func (s *Session) Arrive(l *Listen, local *Addr) {
	s.countArrival()
	*s = Session{
		ID: s.ID, Client: Client{Addr: s.Client.Addr, Local: local}, Head: s.Head, ProxyHeader: s.ProxyHeader, TLS: s.TLS,
		Listen: l, Server: l.Default, Env: s.Env, start: relay.Monotonic(s.Env.Now()), received: s.received, lent: s.lent,
		leases: s.leases,
	}
}

// arrival returns the listen for the local address, which may be an Inner address of s.Listen.
func (s *Session) arrival() *Listen {
	if inner := s.Listen.Inner[s.Client.Local.IP.Addr()]; inner != nil {
		return inner
	}
	return s.Listen
}
