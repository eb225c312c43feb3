package epoll

import (
	"cmp"
	"time"

	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// Options configure a Driver.
type Options struct {
	Loops       int // at least 1; each keeps a thread busy
	Connections int // limit of connections for each loop, as worker_connections; 0 disables it
	// CPUs returns the processors that a loop, counted from 0, may run on; an empty result means
	// any. If CPUs is nil, all loops may run on any.
	CPUs func(loop int) []int
	// Workers is the most goroutines that run expensive steps of TLS handshakes; 0 makes the loops
	// run all steps.
	Workers int
	// Expensive is the average cost of a handshake from which on workers run them; 0 means 300 µs.
	Expensive time.Duration
}

func (o *Options) processors(loop int) []int {
	if o.CPUs == nil {
		return nil
	}
	return o.CPUs(loop)
}

// Driver runs sessions in epoll loops. A session stays in the loop that serves it first. It is safe
// for concurrent use.
type Driver struct {
	loops   []*loop
	workers *workers
	group   poll.Group
}

// New starts the loops.
func New(env *stream.Env, o Options) (*Driver, error) {
	d := &Driver{}
	if o.Workers > 0 {
		d.workers = newWorkers(o.Workers, cmp.Or(o.Expensive, expensive))
	}
	for i := range max(o.Loops, 1) {
		l, err := newLoop(env, o.Connections)
		if err != nil {
			for _, l := range d.loops {
				l.end()
			}
			return nil, err
		}
		l.cpus, l.workers, l.number = o.processors(i), d.workers, i
		l.env.Loop = uint8(i)
		d.loops = append(d.loops, l)
	}
	for _, l := range d.loops {
		l.all = d.loops
		env.Descriptors.Join(l.load.count)
		d.group.Start(l)
	}
	return d, nil
}

// Listen begins to accept on p. All loops share its one descriptor, or each loop has its own.
func (d *Driver) Listen(p *stream.Listener) error {
	return d.group.Listen(p, func(id uint32) error {
		for i, l := range d.loops {
			err := l.mail.Call(func() error { return l.addListener(id, p.FDs[i%len(p.FDs)], len(p.FDs) == 1, p.Admit) })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Forget stops accepting on p. After it returns, no loop uses p's descriptors.
func (d *Driver) Forget(p *stream.Listener) { d.group.Forget(p) }

// Abort ends the sessions that match. Each loop checks its own, a slice at a time.
func (d *Driver) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	d.group.Abort(match, b)
}

// MaxHeld is how much data of a long flow may be in the kernel when its reader stalls. Other flows
// keep at most relay.Spec.BufferSize in each direction.
func (d *Driver) MaxHeld() int64 { return pipeSize }

// Close ends all sessions at once and stops the loops.
func (d *Driver) Close() error {
	if d.workers != nil {
		d.workers.close()
	}
	d.group.Close()
	return nil
}
