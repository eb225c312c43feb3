package stream

// Bound returns the address of the configuration whose socket would take a connection to a: that address itself, else the wildcard of
// its family and port. It is nil when there is none.
//
// It follows ngx_stream_pass_match; what the wildcard means for a is found out when the session arrives.
func (c *Config) Bound(a Addr) *Listen {
	var wildcard *Listen
	for _, l := range c.Listens {
		if l.Addr == a {
			return l
		}
		if l.isWildcardFor(a) {
			wildcard = l
		}
	}
	return wildcard
}

func (l *Listen) isWildcardFor(a Addr) bool {
	own, other := l.Addr.IP, a.IP
	return !l.Addr.Unix && !a.Unix && own.Addr().IsUnspecified() && own.Addr().Is4() == other.Addr().Is4() && own.Port() == other.Port() &&
		l.Addr.UDP == a.UDP
}
