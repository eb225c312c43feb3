package epoll

import "iter"

// coroutine runs handshakes, one after another. It switches to its caller when one is done or waits
// for the peer, without the Go scheduler.
type coroutine struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	job   *handshake
	ended bool // it cannot run another handshake
}

// pooledCoroutines is how many coroutines a loop keeps for later handshakes.
const pooledCoroutines = 64

func newCoroutine() *coroutine {
	co := &coroutine{}
	co.next, co.stop = iter.Pull(co.serve)
	return co
}

// serve is the body of the coroutine.
func (co *coroutine) serve(yield func(struct{}) bool) {
	co.yield = yield
	for {
		hs := co.job
		hs.err = hs.perform()
		hs.done = true
		if !yield(struct{}{}) {
			return
		}
	}
}

// run continues the handshake until it is done or waits. A panic of the handshake is raised again
// in the caller.
func (co *coroutine) run(hs *handshake) {
	co.job = hs
	ended := true
	defer func() { co.ended = ended }()
	_, alive := co.next()
	ended = !alive
}

// wait switches to the caller of run. Only the handshake calls it.
func (co *coroutine) wait() {
	if !co.yield(struct{}{}) {
		co.job.cancelled = true
	}
}

func (l *loop) getCoroutine() *coroutine {
	n := len(l.coroutines)
	if n == 0 {
		return newCoroutine()
	}
	co := l.coroutines[n-1]
	l.coroutines = l.coroutines[:n-1]
	return co
}

func (l *loop) putCoroutine(co *coroutine) {
	co.job = nil
	if co.ended || len(l.coroutines) == pooledCoroutines {
		co.stop()
		return
	}
	l.coroutines = append(l.coroutines, co)
}
