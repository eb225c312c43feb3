package udp

import (
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"weir/stream"
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
	ended   sync.WaitGroup

	mu     sync.Mutex
	loops  []*loop // empty before the first Listen
	ports  map[*stream.Listener]uint32
	serial uint32
	closed bool
}

var _ stream.Driver = (*Driver)(nil)

// New returns a driver. It starts no goroutine before the first Listen.
func New(env *stream.Env, o Options) *Driver {
	return &Driver{env: env, options: o, ports: map[*stream.Listener]uint32{}}
}

// Listen begins to receive datagrams on p. Each descriptor is read by one loop, so that no client
// is served by two.
func (d *Driver) Listen(p *stream.Listener) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	if err := d.start(); err != nil {
		return err
	}
	d.serial++
	d.ports[p] = d.serial
	for i, fd := range p.FDs {
		l := d.loops[(d.serial+uint32(i))%uint32(len(d.loops))]
		if err := l.call(func() error { return l.addPort(d.serial, fd, p) }); err != nil {
			d.forget(p)
			return err
		}
	}
	return nil
}

// start starts the loops, once. The caller holds mu.
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
				l.closeMail()
			}
			return err
		}
		loops = append(loops, l)
	}
	d.loops = loops
	for _, l := range loops {
		d.env.Descriptors.Join(l.count)
		d.ended.Go(l.run)
	}
	return nil
}

// Forget stops receiving datagrams on p; after it returns, no loop uses p's descriptors. Because
// p's sessions answer through them, each session ends with the next datagram from its server, as in
// an nginx worker that shuts down.
func (d *Driver) Forget(p *stream.Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.forget(p)
	}
}

func (d *Driver) forget(p *stream.Listener) {
	id, ok := d.ports[p]
	if !ok {
		return
	}
	delete(d.ports, p)
	for _, l := range d.loops {
		l.call(func() error { l.removePorts(id); return nil })
	}
}

// Abort ends the sessions that match. Each loop checks its own, a slice at a time.
func (d *Driver) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	budget := newBudget(pace)
	for _, l := range d.loops {
		l.post(func() { l.startAbort(match, budget) })
	}
}

// Close ends all sessions at once and stops the loops.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for _, l := range d.loops {
		l.post(func() { l.stopping = true })
	}
	d.ended.Wait()
	for _, l := range d.loops {
		l.closeMail()
	}
	return nil
}

// post queues f to run in the loop. A loop that has ended drops it.
func (l *loop) post(f func()) {
	l.mail.mu.Lock()
	l.mail.calls = append(l.mail.calls, f)
	l.mail.mu.Unlock()
	if !l.mail.rung.Swap(true) {
		one := [8]byte{1}
		unix.Write(l.mail.fd, one[:])
	}
}

// call runs f in the loop, and waits for it.
func (l *loop) call(f func() error) error {
	done := make(chan error, 1)
	l.post(func() { done <- f() })
	return <-done
}
