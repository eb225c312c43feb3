package epoll

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// Options shape a Driver.
type Options struct {
	Loops       int // at least 1; each keeps a thread busy
	Connections int // how many connections one loop may hold, as worker_connections; 0: no limit
	// CPUs returns the processors that a loop, counted from 0, may run on; none: any. nil: none for all of them.
	CPUs func(loop int) []int
	// Adopter takes the sessions that need a handshake; nil: handshakes fail. It must be closed after the driver, and aborts reach the
	// sessions that it has when it is told of them after the driver.
	Adopter stream.Adopter
}

func (o *Options) processors(loop int) []int {
	if o.CPUs == nil {
		return nil
	}
	return o.CPUs(loop)
}

// A Driver runs sessions in epoll loops. A session stays with the loop that accepted it. It is safe for concurrent use.
type Driver struct {
	loops []*loop
	ended sync.WaitGroup

	mu     sync.Mutex
	ports  map[*stream.Listener]uint32
	serial uint32
	closed bool
}

// New starts the loops.
func New(env *stream.Env, o Options) (*Driver, error) {
	d := &Driver{ports: map[*stream.Listener]uint32{}}
	for i := range max(o.Loops, 1) {
		l, err := newLoop(env, o.Connections)
		if err != nil {
			for _, l := range d.loops {
				l.end()
			}
			return nil, err
		}
		l.cpus, l.adopter, l.number = o.processors(i), o.Adopter, i
		d.loops = append(d.loops, l)
	}
	for _, l := range d.loops {
		l.all = d.loops
		env.Descriptors.Join(l.load.count)
		d.ended.Go(l.run)
	}
	return d, nil
}

// Listen begins to accept on p: all loops on its one descriptor, or each on its own.
func (d *Driver) Listen(p *stream.Listener) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return unix.EBADF
	}
	d.serial++
	d.ports[p] = d.serial
	for i, l := range d.loops {
		err := l.call(func() error { return l.addPort(d.serial, p.FDs[i%len(p.FDs)], len(p.FDs) == 1, p.Admit) })
		if err != nil {
			d.forget(p)
			return err
		}
	}
	return nil
}

// Forget stops accepting on p; when it returns no loop touches p's descriptors any more.
func (d *Driver) Forget(p *stream.Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.forget(p)
	}
}

// forget has all loops leave p. The caller holds mu.
func (d *Driver) forget(p *stream.Listener) {
	id, ok := d.ports[p]
	if !ok {
		return
	}
	delete(d.ports, p)
	for _, l := range d.loops {
		l.call(func() error { l.removePort(id); return nil })
	}
}

// Abort ends the sessions that match, each loop its own, a slice of them at a time. When it returns, no session leaves for the adopter
// that has not been asked.
func (d *Driver) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	for _, l := range d.loops {
		l.call(func() error { return nil }) // a session that one loop has accepted for another is in that one's mailbox now
	}
	budget := newBudget(pace)
	for _, l := range d.loops {
		l.call(func() error { l.startAbort(match, budget); return nil })
	}
}

// MaxHeld is how much of a long flow may be on its way, in the kernel, when its reader stalls; all others hold no more than
// relay.Spec.BufferSize in each direction.
func (d *Driver) MaxHeld() int64 { return pipeSize }

// Close cuts all sessions and ends the loops.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for _, l := range d.loops {
		l.post(func() {
			l.mail.shut()
			l.stopping = true
		})
	}
	d.ended.Wait()
	return nil
}

// A mailbox carries calls into a loop. Its eventfd is in the loop's epoll set.
type mailbox struct {
	mu     sync.Mutex
	calls  []func()
	closed bool // by shut
	fd     int32
	rung   atomic.Bool
}

// post has f run by the loop, soon. It reports false if the loop is at its end and f is dropped.
func (l *loop) post(f func()) bool {
	l.mail.mu.Lock()
	defer l.mail.mu.Unlock()
	if l.mail.closed {
		return false
	}
	l.mail.calls = append(l.mail.calls, f)
	if !l.mail.rung.Swap(true) {
		one := [8]byte{1}
		unix.Write(int(l.mail.fd), one[:])
	}
	return true
}

// call has f run by the loop, and waits for it.
func (l *loop) call(f func() error) error {
	done := make(chan error, 1)
	l.post(func() { done <- f() })
	return <-done
}

// readMail runs what was posted.
func (l *loop) readMail() {
	var count [8]byte
	unix.Read(int(l.mail.fd), count[:])
	l.mail.rung.Store(false)
	l.mail.mu.Lock()
	l.calls = l.mail.calls
	l.mail.calls = nil
	l.mail.mu.Unlock()
	l.makeCalls()
}

// makeCalls runs the calls that have been taken out of the mailbox.
func (l *loop) makeCalls() {
	for len(l.calls) > 0 {
		f := l.calls[0]
		l.calls = l.calls[1:]
		l.current = nil
		f()
	}
	l.calls = nil
}
