package runtime

import "sync"

// orders runs functions one after another in a goroutine that exists while there are any, so that the
// caller need not wait for a function that hangs, and the order is kept. The zero value is ready to use.
// It is safe for concurrent use.
type orders struct {
	mu      sync.Mutex
	waiting []order
	running bool
}

// An order is a function to run.
type order struct {
	run  func()
	done chan struct{} // closed when run has returned
}

// add adds f, and returns a channel that is closed when f has returned.
func (o *orders) add(f func()) (done <-chan struct{}) {
	next := order{f, make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, next)
	if !o.running {
		o.running = true
		go o.work()
	}
	return next.done
}

func (o *orders) work() {
	for {
		next, ok := o.next()
		if !ok {
			return
		}
		next.run()
		close(next.done)
	}
}

func (o *orders) next() (order, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		o.running = false
		o.waiting = nil
		return order{}, false
	}
	next := o.waiting[0]
	o.waiting = o.waiting[1:]
	return next, true
}
