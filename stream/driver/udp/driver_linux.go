package udp

import (
	"slices"

	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// Options configure a Driver.
type Options struct {
	Loops       int // at least 1
	Connections int // limit of sockets and sessions for each loop, as worker_connections; 0 disables it
}

// Driver runs sessions of datagrams. A session stays with the loop where it began. It is safe for
// concurrent use.
type Driver struct {
	env     *stream.Env
	options Options // changed while the group is locked
	group   poll.Group[*loop]
}

var _ stream.Driver = (*Driver)(nil)

// New returns a driver. It starts no goroutine before the first Listen.
func New(env *stream.Env, o Options) *Driver { return &Driver{env: env, options: o} }

// Resize changes the options. The other loops read the sockets of surplus loops, which end after their last
// sessions. If it fails, it has done what was possible.
func (d *Driver) Resize(o Options) error {
	return d.group.Do(func() error {
		d.options = o
		if d.group.Serving() == 0 {
			return nil
		}
		return d.serve()
	})
}

// serve makes as many loops serve as the options say.
func (d *Driver) serve() error { return d.group.Serve(max(d.options.Loops, 1), d.startLoop, d.arrange) }

// startLoop makes a loop that receives nothing yet.
func (d *Driver) startLoop(number int) (*loop, error) {
	l, err := newLoop(d.env)
	if err != nil {
		return nil, err
	}
	l.env.Loop = uint8(number)
	leave := d.env.Descriptors.Join(l.count)
	l.ended = func() {
		leave()
		d.group.Ended(l)
	}
	return l, nil
}

// arrange gives the loops the options and the listeners.
func (d *Driver) arrange() error {
	limit := d.options.Connections
	for _, l := range d.group.All() {
		l.mail.Call(func() error { l.limit = limit; return nil })
	}
	return d.group.Listeners(d.assign)
}

// Listen begins to receive datagrams on p. Each descriptor is read by one loop, so that no client
// is served by two.
func (d *Driver) Listen(p *stream.Listener) error {
	return d.group.Listen(p, func(id uint32) error {
		if d.group.Serving() == 0 {
			return d.serve()
		}
		return d.assign(id, p)
	})
}

// assign makes the loops read the sockets of p. A socket stays with its loop if that one still serves; others go to the
// loops that read the fewest.
func (d *Driver) assign(id uint32, p *stream.Listener) error {
	all, serving := d.group.All(), d.group.Serving()
	for _, l := range all[serving:] {
		l.mail.Call(func() error { l.stopReading(id); return nil })
	}
	reads := make([][]int, serving)
	for i, l := range all[:serving] {
		l.mail.Call(func() error { reads[i] = l.reads(); return nil })
	}
	for j, fd := range p.FDs {
		if slices.ContainsFunc(reads, func(fds []int) bool { return slices.Contains(fds, fd) }) {
			continue
		}
		n := fewest(reads, (int(id)+j)%serving)
		reads[n] = append(reads[n], fd)
		l := all[n]
		if err := l.mail.Call(func() error { return l.addListener(id, int32(fd), p) }); err != nil {
			return err
		}
	}
	return nil
}

// fewest returns the index of the shortest list: of several, first if it is one of them, or the lowest.
func fewest(lists [][]int, first int) int {
	n := first
	for i := range lists {
		if len(lists[i]) < len(lists[n]) {
			n = i
		}
	}
	return n
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
