package poll

import (
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A Mailbox passes calls to a loop. Its eventfd is in the loop's epoll set. Post and Call are safe
// for concurrent use, the other methods are for the loop.
type Mailbox struct {
	mu     sync.Mutex
	posted []func()
	closed bool // set by Shut
	fd     int32
	rung   atomic.Bool

	taken []func() // by the loop
}

// Post queues f to run in the loop. It reports false, and drops f, if the mailbox is shut.
func (m *Mailbox) Post(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.posted = append(m.posted, f)
	if !m.rung.Swap(true) {
		one := [8]byte{1}
		unix.Write(int(m.fd), one[:])
	}
	return true
}

// Call runs f in the loop, and waits for it. The loop itself must not use Call.
func (m *Mailbox) Call(f func() error) error {
	done := make(chan error, 1)
	if !m.Post(func() { done <- f() }) {
		return net.ErrClosed
	}
	return <-done
}

// Receive takes the posted calls after an event of the mailbox.
func (m *Mailbox) Receive() {
	var count [8]byte
	unix.Read(int(m.fd), count[:])
	m.rung.Store(false)
	m.take()
}

func (m *Mailbox) take() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = m.posted
	m.posted = nil
}

// Next returns the next of the calls that were taken, or nil after the last one.
func (m *Mailbox) Next() func() {
	if len(m.taken) == 0 {
		m.taken = nil
		return nil
	}
	f := m.taken[0]
	m.taken = m.taken[1:]
	return f
}

// Shut makes the mailbox drop later posts, so that no goroutine writes to its descriptor after
// Close.
func (m *Mailbox) Shut() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
}

// Close releases the descriptor, and takes the calls that are left.
func (m *Mailbox) Close() {
	m.Shut()
	m.take()
	unix.Close(int(m.fd))
}
