package epoll

import (
	"sync"
	"time"
)

// expensive is the default of Options.Expensive. A loop runs cheaper handshakes itself: they delay
// its sessions less than the transfer would cost.
const expensive = 300 * time.Microsecond

// costs is how many handshakes the average cost of a handshake is taken over.
const costs = 8

// noteCost updates the average cost of the loop's handshakes.
func (l *loop) noteCost(d time.Duration) { l.handshakeCost += (d - l.handshakeCost) / costs }

// prefersWorker reports whether a worker should run the next step of a handshake. A loop that is
// locked to its thread runs all of them itself, because a coroutine cannot leave such a thread.
func (l *loop) prefersWorker(hs *handshake) bool {
	return l.workers != nil && l.pinned == nil && (hs.slow || l.handshakeCost >= l.workers.expensive)
}

// lend passes the handshake to the workers.
func (l *loop) lend(hs *handshake) {
	hs.away = true
	l.lent.Add(1)
	l.workers.submit(hs)
}

// workers run expensive steps of handshakes for all loops of a driver, in order. There are at most
// most of them; they start when they are needed.
type workers struct {
	most      int
	expensive time.Duration

	mu      sync.Mutex
	work    sync.Cond
	queue   []*handshake
	idle    int
	running int
	closed  bool
}

func newWorkers(most int, expensive time.Duration) *workers {
	w := &workers{most: most, expensive: expensive}
	w.work.L = &w.mu
	return w
}

// setMost changes the number of workers. Workers that run already stay.
func (w *workers) setMost(most int) {
	w.mu.Lock()
	w.most = most
	w.mu.Unlock()
}

func (w *workers) submit(hs *handshake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, hs)
	switch {
	case w.idle > 0:
		w.work.Signal()
	case w.running < w.most:
		w.running++
		go w.run()
	}
}

// run is a worker's goroutine.
func (w *workers) run() {
	for {
		hs, closed := w.take()
		if hs == nil {
			return
		}
		if !closed {
			hs.stepAway()
		}
		hs.c.l.mail.Post(hs.returned)
		hs.c.l.lent.Done()
	}
}

// take returns the next handshake, or nil when the driver is closed, and whether it is.
func (w *workers) take() (*handshake, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 {
		if w.closed {
			return nil, true
		}
		w.idle++
		w.work.Wait()
		w.idle--
	}
	hs := w.queue[0]
	w.queue = w.queue[1:]
	return hs, w.closed
}

// close ends the workers. Queued handshakes return to their loops without a step.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.work.Broadcast()
}

// stepAway runs a step in a worker. The loop raises its panic again, which ends only this session.
func (hs *handshake) stepAway() {
	defer func() { hs.panicked = recover() }()
	hs.step()
}
