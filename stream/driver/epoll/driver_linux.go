package epoll

import (
	"cmp"
	"math"
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
	env     *stream.Env
	workers *workers
	group   poll.Group[*loop]
}

// New starts the loops.
func New(env *stream.Env, o Options) (*Driver, error) {
	d := &Driver{env: env}
	if o.Workers > 0 {
		d.workers = newWorkers(o.Workers, cmp.Or(o.Expensive, expensive))
	}
	if err := d.Resize(o); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Resize changes the options. Surplus loops stop accepting, and end after their last sessions. Expensive
// stays, and so does whether there are workers at all. If it fails, it has done what was possible.
func (d *Driver) Resize(o Options) error {
	if d.workers != nil {
		d.workers.setMost(o.Workers)
	}
	return d.group.Do(func() error {
		return d.group.Serve(max(o.Loops, 1), d.startLoop, func() error { return d.arrange(&o) })
	})
}

// startLoop makes a loop that accepts nothing yet.
func (d *Driver) startLoop(number int) (*loop, error) {
	l, err := newLoop(d.env)
	if err != nil {
		return nil, err
	}
	l.workers, l.number = d.workers, number
	l.env.Loop = uint8(number)
	leave := d.env.Descriptors.Join(l.load.count)
	l.ended = func() {
		leave()
		d.group.Ended(l)
	}
	return l, nil
}

// arrange gives the loops the options, the listeners, and then each other: a loop must be locked to its
// thread, which it is with its first listener, before others transfer sessions to it.
func (d *Driver) arrange(o *Options) error {
	all := d.group.All()
	serving := all[:d.group.Serving()]
	for _, l := range all {
		l.mail.Call(func() error {
			l.load.limit.Store(int32(min(o.Connections, math.MaxInt32)))
			l.repin(o.processors(l.number))
			return nil
		})
	}
	err := d.group.Listeners(d.assign)
	for _, l := range all {
		l.mail.Call(func() error { l.all, l.enough = serving, 0; return nil })
	}
	return err
}

// Listen begins to accept on p. All loops share its one descriptor, or each loop has its own.
func (d *Driver) Listen(p *stream.Listener) error {
	return d.group.Listen(p, func(id uint32) error { return d.assign(id, p) })
}

// assign makes the loops accept on p. A surplus loop may have ended.
func (d *Driver) assign(id uint32, p *stream.Listener) error {
	serving := d.group.Serving()
	for i, l := range d.group.All() {
		fds := descriptorsOf(p.FDs, i, serving)
		if err := l.mail.Call(func() error { return l.setListener(id, p, fds) }); err != nil && i < serving {
			return err
		}
	}
	return nil
}

// descriptorsOf returns the descriptors of loop i of that many: with fewer loops than descriptors a loop has
// several, and with more some loops share one.
func descriptorsOf(all []int, i, loops int) (some []int) {
	if i >= loops {
		return nil
	}
	for j := i % len(all); j < len(all); j += loops {
		some = append(some, all[j])
	}
	return some
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
