package stream

// Bound returns the listen of the configuration whose socket would accept a connection to a: the
// listen of that address, otherwise the wildcard of its family and port, otherwise nil.
//
// It follows ngx_stream_pass_match. For a wildcard, the arrival of the session selects the inner
// address.
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
