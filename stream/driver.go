package stream

// A Listener is an open listening socket. It outlives generations: Admit looks up its meaning for
// every connection.
type Listener struct {
	// FDs contains one descriptor, or with reuseport at least one for each loop. The owner closes
	// them after Forget.
	FDs []int
	// Admit returns the listen of the address in the current generation, and the lease by which the
	// session holds that generation. A nil Listen means that the address was removed: the driver
	// closes the connection. Safe for concurrent use.
	Admit func() (*Listen, Lease)
	// Datagrams is set for a socket that receives datagrams.
	Datagrams bool
	// Current reports whether a session of c belongs to the current generation. If not, the client
	// gets a new session with its next datagram. nil means always. Safe for concurrent use.
	Current func(c *Config) bool
}

// A Driver runs sessions: it accepts, calls Advance, and performs the steps. Its methods are safe
// for concurrent use.
type Driver interface {
	// Listen begins to accept on p.
	Listen(p *Listener) error
	// Forget stops accepting on p and returns once no accept on its descriptors is in progress; its
	// sessions continue.
	Forget(p *Listener)
	// Abort ends the matching sessions by the event Aborted, as fast as the budget allows, in an order
	// in which sessions that began one after another do not end one after another. Aborts with
	// different budgets do not wait for each other. match is called only by the loop or goroutine that
	// runs the session.
	Abort(match func(*Session) bool, b *Budget)
	// Close stops accepting, closes all sessions without an event, and returns once nothing of the
	// driver runs.
	Close() error
}
