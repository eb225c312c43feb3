package stream

import "weir/internal/relay"

// Arrive makes the session one that l has just accepted at local: nothing has been logged, no variable has a value, no module has kept
// anything in it. Its number, its client, what the client has sent, what a PROXY header said and what it holds remain. The caller goes
// on with s.Advance(Event{Kind: Accepted}). l must be of the session's configuration.
//
// It follows ngx_stream_pass_handler, which hands the connection to the other port's handler.
func (s *Session) Arrive(l *Listen, local *Addr) {
	*s = Session{
		ID: s.ID, Client: Client{Addr: s.Client.Addr, Local: local}, Head: s.Head, ProxyHeader: s.ProxyHeader,
		Listen: l, Server: l.Default, Env: s.Env, start: relay.Monotonic(s.Env.Now()), received: s.received, lent: s.lent,
		leases: s.leases,
	}
}

// arrival is what the address means at which the session has arrived, which may be one that Listen serves besides.
func (s *Session) arrival() *Listen {
	if inner := s.Listen.Inner[s.Client.Local.IP.Addr()]; inner != nil {
		return inner
	}
	return s.Listen
}
