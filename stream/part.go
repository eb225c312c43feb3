package stream

import "context"

// A Part outlives sessions: an upstream group, a zone, a database. What it shares with its successor is counted.
type Part interface {
	// Key identifies the part across generations: "upstream mqtt", "zone addr".
	Key() string
	// Open makes the part ready to serve. old is the part of the same key in the previous generation, or nil; it must not be
	// changed, since the new generation may yet fail to open.
	Open(ctx context.Context, env *Env, old Part) error
	// Close gives everything back; the part's last session has gone.
	Close() error
}

// A Runner is a Part with work of its own, such as flushing or resolving. It is started after the swap; ctx ends at retirement.
type Runner interface {
	Run(ctx context.Context)
}

// A Lease is what a session gives back when it ends. It is an interface so that holding one allocates nothing.
type Lease interface {
	Release()
}
