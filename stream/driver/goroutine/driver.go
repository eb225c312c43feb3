// Package goroutine drives sessions with goroutines over net.Conn: the driver for systems without
// epoll.
//
// A session is run by one goroutine, and by a second one while it is relayed. While no data moves,
// it keeps its two descriptors and no buffer.
package goroutine

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/driver/internal/poll"
)

// Driver is a stream.Driver. Its methods are safe for concurrent use.
type Driver struct {
	env  *stream.Env
	done chan struct{} // closed by Close

	// mu guards the fields below. A goroutine that holds a session's lock may take mu, but not the
	// reverse. mu is not held across system calls.
	mu        sync.Mutex
	closed    bool
	listeners map[*stream.Listener]*listener
	sessions  session        // the head of a circular list
	running   sync.WaitGroup // sessions and sweeps; added to under mu, and only while not closed
}

var _ stream.Driver = (*Driver)(nil)

var errListening = errors.New("goroutine: the listener is in use already")

// New returns a driver that gives env to its sessions. Call Close after the first Listen.
func New(env *stream.Env) *Driver {
	d := &Driver{env: env, done: make(chan struct{}), listeners: map[*stream.Listener]*listener{}}
	d.sessions.next, d.sessions.prev = &d.sessions, &d.sessions
	return d
}

// Listen begins to accept on each descriptor of p. The owner of p keeps its descriptors; the driver
// makes its own.
func (d *Driver) Listen(p *stream.Listener) error {
	opened, err := openListener(d, p)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refuses(p); err != nil {
		opened.closeAll()
		return err
	}
	d.listeners[p] = opened
	opened.start()
	return nil
}

// refuses returns the reason why the driver cannot listen on p. The caller holds mu.
func (d *Driver) refuses(p *stream.Listener) error {
	if d.closed {
		return net.ErrClosed
	}
	if d.listeners[p] != nil {
		return errListening
	}
	return nil
}

// Forget stops accepting on p. After it returns, p.Admit is not called any more.
func (d *Driver) Forget(p *stream.Listener) {
	d.mu.Lock()
	opened := d.listeners[p]
	delete(d.listeners, p)
	d.mu.Unlock()
	if opened != nil {
		opened.stop()
	}
}

// Abort ends those of the present sessions that match. It returns at once. One goroutine calls
// match, with the session locked. Sessions that do not match are not woken.
func (d *Driver) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.running.Add(1)
	go d.sweep(d.present(), match, b)
}

// Close stops accepting, closes all sessions without an event, and waits until nothing of the
// driver runs.
func (d *Driver) Close() error {
	ports, sessions := d.shut()
	for _, p := range ports {
		p.stop()
	}
	for _, c := range sessions {
		c.closeNow()
	}
	d.running.Wait()
	return nil
}

// shut marks the driver closed, and returns the listeners and sessions to end. A second call returns
// none.
func (d *Driver) shut() (ports []*listener, sessions []*session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		close(d.done)
	}
	for key, p := range d.listeners {
		ports = append(ports, p)
		delete(d.listeners, key)
	}
	return ports, d.present()
}

// present lists the sessions. The caller holds mu.
func (d *Driver) present() []*session {
	var list []*session
	for c := d.sessions.next; c != &d.sessions; c = c.next {
		list = append(list, c)
	}
	return list
}

// sweep checks each session in turn, and ends the matching ones as fast as the budget allows.
func (d *Driver) sweep(list []*session, match func(*stream.Session) bool, b *stream.Budget) {
	defer d.running.Done()
	for order := poll.NewOrder(len(list)); !order.Done(); order.Next() {
		for !list[order.Index()].abortIf(match, b) {
			if !d.sleep(b.Wait(time.Now())) {
				return
			}
		}
	}
}

// sleep waits for a while, and reports whether the driver is still open.
func (d *Driver) sleep(long time.Duration) bool {
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-d.done:
		return false
	}
}

// add adds c to the list, unless the driver is closed.
func (d *Driver) add(c *session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.running.Add(1)
	c.prev, c.next = d.sessions.prev, &d.sessions
	c.prev.next, c.next.prev = c, c
	return true
}

// remove removes c from the list.
func (d *Driver) remove(c *session) {
	d.mu.Lock()
	c.prev.next, c.next.prev = c.next, c.prev
	d.mu.Unlock()
	d.running.Done()
}

// reportPanic logs a panic; only the affected session ends. It is deferred.
func (d *Driver) reportPanic() {
	if reason := recover(); reason != nil {
		d.env.Log.Write(errorlog.Alert, 0, fmt.Sprintf("panic: %v %s", reason, debug.Stack()))
	}
}
