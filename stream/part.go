package stream

import "context"

// A Part outlives sessions: an upstream group, a zone, a database. Resources that it shares with
// its successor are reference-counted.
type Part interface {
	// Key identifies the part across generations: "upstream mqtt", "zone addr".
	Key() string
	// Open makes the part ready to serve. old is the part of the same key in the previous
	// generation, or nil. Open must not change it, because the new generation may still fail to
	// open.
	Open(ctx context.Context, env *Env, old Part) error
	// Close releases all resources. It is called after the part's last session has ended.
	Close() error
}

// A Runner is a Part with background work, such as flushing or resolving. It is started after the
// switch of generations; ctx ends when its generation retires.
type Runner interface {
	Run(ctx context.Context)
}

// A Lease is released when its session ends. It is an interface so that holding one does not
// allocate.
type Lease interface {
	Release()
}
