package udp

import (
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// Options configure a Driver.
type Options struct {
	Loops       int // at least 1
	Connections int // limit of sockets and sessions for each loop, as worker_connections; 0 disables it
}

// Driver runs sessions of datagrams. A session stays with the loop that reads the socket on which
// it began. It is safe for concurrent use.
type Driver struct {
	env     *stream.Env
	options Options
	group   poll.Group
	loops   []*loop // empty before the first Listen
}

var _ stream.Driver = (*Driver)(nil)

// New returns a driver. It starts no goroutine before the first Listen.
func New(env *stream.Env, o Options) *Driver { return &Driver{env: env, options: o} }

// Listen begins to receive datagrams on p. Each descriptor is read by one loop, so that no client
// is served by two.
func (d *Driver) Listen(p *stream.Listener) error {
	return d.group.Listen(p, func(id uint32) error {
		if err := d.start(); err != nil {
			return err
		}
		for i, fd := range p.FDs {
			l := d.loops[(id+uint32(i))%uint32(len(d.loops))]
			if err := l.mail.Call(func() error { return l.addListener(id, int32(fd), p) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// start starts the loops, once. It is called by one Listen at a time.
func (d *Driver) start() error {
	if len(d.loops) > 0 {
		return nil
	}
	var loops []*loop
	for range max(d.options.Loops, 1) {
		l, err := newLoop(d.env, d.options.Connections)
		if err != nil {
			for _, l := range loops {
				l.end()
			}
			return err
		}
		l.env.Loop = uint8(len(loops))
		loops = append(loops, l)
	}
	d.loops = loops
	for _, l := range loops {
		d.env.Descriptors.Join(l.count)
		d.group.Start(l)
	}
	return nil
}

// Forget stops receiving datagrams on p; after it returns, no loop uses p's descriptors. Because
// p's sessions answer through them, each session ends with the next datagram from its server, as in
// an nginx worker that shuts down.
func (d *Driver) Forget(p *stream.Listener) { d.group.Forget(p) }

// Abort ends the sessions that match. Each loop checks its own, a slice at a time.
func (d *Driver) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	d.group.Abort(match, b)
}

// Close ends all sessions at once and stops the loops.
func (d *Driver) Close() error {
	d.group.Close()
	return nil
}
