package epoll

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// Options configure a Driver.
type Options struct {
	Loops       int // at least 1; each keeps a thread busy
	Connections int // limit of connections for each loop, as worker_connections; 0 disables it
	// CPUs returns the processors that a loop, counted from 0, may run on; an empty result means
	// any. If CPUs is nil, all loops may run on any.
	CPUs func(loop int) []int
	// Adopter takes the sessions that need a handshake; if nil, handshakes fail. Close it after the
	// driver. An abort of the driver does not reach adopted sessions: abort the adopter after the
	// driver.
	Adopter stream.Adopter
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

// Listen begins to accept on p. All loops share its one descriptor, or each loop has its own.
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

// Forget stops accepting on p. After it returns, no loop uses p's descriptors.
func (d *Driver) Forget(p *stream.Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.forget(p)
	}
}

// forget removes p from all loops. The caller holds mu.
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

// Abort ends the sessions that match. Each loop checks its own, a slice at a time. After Abort
// returns, no session reaches the adopter without having been checked.
func (d *Driver) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	for _, l := range d.loops {
		l.call(func() error { return nil }) // a session that one loop has accepted for another is in the other's mailbox now
	}
	budget := newBudget(pace)
	for _, l := range d.loops {
		l.call(func() error { l.startAbort(match, budget); return nil })
	}
}

// MaxHeld is how much data of a long flow may be in the kernel when its reader stalls. Other flows
// keep at most relay.Spec.BufferSize in each direction.
func (d *Driver) MaxHeld() int64 { return pipeSize }

// Close ends all sessions at once and stops the loops.
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

// mailbox passes calls to a loop. Its eventfd is in the loop's epoll set.
type mailbox struct {
	mu     sync.Mutex
	calls  []func()
	closed bool // set by shut
	fd     int32
	rung   atomic.Bool
}

// post queues f to run in the loop. It reports false, and drops f, if the loop has ended.
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

// call runs f in the loop, and waits for it.
func (l *loop) call(f func() error) error {
	done := make(chan error, 1)
	l.post(func() { done <- f() })
	return <-done
}

// readMail runs the posted calls.
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

// makeCalls runs the calls taken from the mailbox.
func (l *loop) makeCalls() {
	for len(l.calls) > 0 {
		f := l.calls[0]
		l.calls = l.calls[1:]
		l.current = nil
		f()
	}
	l.calls = nil
}
