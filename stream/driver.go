package stream

// A Listener is an open listening socket. It outlives generations: what it means is asked anew for every connection.
type Listener struct {
	// FDs holds one descriptor, or with reuseport one for each loop. The port's owner closes them after Forget.
	FDs []int
	// Admit returns what the address means in the current generation, and the lease by which the session holds that generation.
	// A nil Listen says that the address is gone: the connection is closed. Safe for concurrent use.
	Admit func() (*Listen, Lease)
	// Datagrams says that what comes is not connections.
	Datagrams bool
	// Current reports whether a session of c is still one of the current generation: a client whose session is not gets a new one with
	// its next datagram. nil: it always is. Safe for concurrent use.
	Current func(c *Config) bool
}

// A Pace says how fast an Abort goes. The zero Pace is at once.
type Pace struct {
	PerSecond int // sessions ended in a second; 0: all at once
}

// A Driver runs sessions: it accepts, calls Advance, does the steps. Its methods are safe for concurrent use.
type Driver interface {
	// Listen begins to accept on p.
	Listen(p *Listener) error
	// Forget stops accepting on p, and returns when no accept on its descriptors is under way; its sessions go on.
	Forget(p *Listener)
	// Abort ends the sessions that match, by the event Aborted. match is asked by whoever holds the session, never from outside.
	Abort(match func(*Session) bool, pace Pace)
	// Close stops accepting, cuts all sessions without a word, and returns when nothing of the driver runs any more.
	Close() error
}

// An Adopter takes over a session whose next step is a handshake, and never gives it back.
type Adopter interface {
	// Adopt makes the session, its two descriptors and what next asks for the adopter's. upstream is -1 where there is none. It may be
	// called by many at once, does not block, and gives the session the adopter's Env.
	Adopt(s *Session, next Step, client, upstream int)
}
