package goroutine

import (
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// relayState is a relay in progress: two halves, and their common end. The upload half runs in the
// session's goroutine, the other in one of its own.
type relayState struct {
	c      *session
	spec   *relay.Spec
	began  time.Time
	last   atomic.Int64  // when data last moved, as a Duration since began
	paused atomic.Int32  // halves that wait for their rate
	open   atomic.Int32  // halves that have not ended
	end    atomic.Uint32 // a relay.End; the first value set is final
	answer stream.Step   // guarded by c.mu: the step that the session wants instead of the relay
	idle   *time.Timer   // expires no earlier than the timeout; nil without one
	wake   chan struct{} // a token for each paused half to wake; nil without rates
	second sync.WaitGroup
	halves [2]half // by the side that they read from
}

func newRelayState(c *session, spec *relay.Spec) *relayState {
	r := &relayState{c: c, spec: spec, began: time.Now()}
	r.open.Store(2)
	t, now := &c.s.Traffic, c.d.env.Now()
	up, down := &r.halves[stream.ClientSide], &r.halves[stream.UpstreamSide]
	*up = half{r: r, s: c.s, side: stream.ClientSide, src: c.client, dst: c.upstream, read: &t.FromClient}
	*down = half{r: r, s: c.s, side: stream.UpstreamSide, src: c.upstream, dst: c.client, read: &t.FromUpstream}
	up.meter, down.meter = relay.NewMeter(spec.Upload, now), relay.NewMeter(spec.Download, now)
	up.tryRead, up.tryWrite, down.tryRead, down.tryWrite = up.readSome, up.writeSome, down.readSome, down.writeSome
	up.pending, up.err = c.rest, c.restErr
	down.first = spec.FirstByte
	c.rest, c.restErr = nil, nil
	if spec.Upload > 0 || spec.Download > 0 {
		r.wake = make(chan struct{}, len(r.halves))
	}
	if spec.Timeout > 0 {
		r.idle = time.AfterFunc(spec.Timeout, r.expire)
	}
	return r
}

// run relays until the end, and returns the event Relayed, or until the session is woken or wants
// another step. Only in these two cases it may be called again.
func (r *relayState) run() stream.Event {
	r.ready()
	if !r.halted() {
		r.second.Add(1)
		go r.runSecond()
		r.halves[stream.ClientSide].carry()
		r.second.Wait()
	}
	if r.answer.Do != stream.Keep {
		return noEvent
	}
	end := relay.End(r.end.Load())
	if end == 0 {
		r.c.s.Traffic.End = relay.Aborted
		return noEvent
	}
	r.c.s.Traffic.End = end
	return stream.Event{Kind: stream.Relayed}
}

// ready discards the effects of an earlier wake.
func (r *relayState) ready() {
	r.c.client.SetDeadline(time.Time{})
	r.c.upstream.SetDeadline(time.Time{})
	for range len(r.wake) {
		<-r.wake
	}
	r.c.s.Traffic.End = 0
}

// runSecond is the goroutine of the half that reads from the server.
func (r *relayState) runSecond() {
	defer r.second.Done()
	defer r.c.d.reportPanic()
	returned := false
	defer func() {
		if !returned {
			r.stop(relay.Aborted)
		}
	}()
	r.halves[stream.UpstreamSide].carry()
	returned = true
}

// stop ends the relay for the given reason, unless it has ended already.
func (r *relayState) stop(end relay.End) {
	if r.end.CompareAndSwap(0, uint32(end)) {
		r.interrupt()
	}
}

// interrupt wakes both directions.
func (r *relayState) interrupt() {
	r.c.client.wake()
	r.c.upstream.wake()
	r.unpause()
}

// unpause wakes the halves that pause.
func (r *relayState) unpause() {
	for range cap(r.wake) {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// dropped ends the relay if its server has left the group. It is called after each read and each
// write.
func (r *relayState) dropped() bool {
	if !r.spec.Dropped() {
		return false
	}
	r.stop(relay.Dropped)
	return true
}

// halted reports whether the halves must stop.
func (r *relayState) halted() bool { return r.end.Load() != 0 || r.c.woken() }

// close releases the resources of the relay. Its connections must be closed, or its halves stopped.
func (r *relayState) close() {
	r.stop(relay.Aborted)
	if r.idle != nil {
		r.idle.Stop()
	}
	r.second.Wait()
	for i := range r.halves {
		r.halves[i].release()
	}
}

// report passes an event to the session during the relay. The relay continues, unless the session
// wants another step.
func (r *relayState) report(ev stream.Event) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.answer.Do != stream.Keep || r.end.Load() != 0 {
		return
	}
	if r.answer = r.c.advanceHeld(ev); r.answer.Do != stream.Keep {
		r.stop(relay.Aborted)
	}
}

// size returns how much a half reads at once, at least 1: without room it could not even read the
// end.
func (r *relayState) size() int { return max(r.spec.BufferSize, 1) }

// touch records that data has moved: proxy_timeout starts again.
func (r *relayState) touch() { r.last.Store(int64(time.Since(r.began))) }

// expire is called by the timer, which is not reset when data moves. As in nginx, the timeout does
// not run while a rate pauses either half.
func (r *relayState) expire() {
	left := r.spec.Timeout - (time.Since(r.began) - time.Duration(r.last.Load()))
	if r.paused.Load() > 0 {
		left = r.spec.Timeout
	}
	if left <= 0 {
		r.stop(relay.Timeout)
		return
	}
	r.idle.Reset(left)
	if r.end.Load() != 0 {
		r.idle.Stop()
	}
}

// pause waits because of a rate, and reports whether to continue.
func (r *relayState) pause(long time.Duration) bool {
	r.paused.Add(1)
	defer r.paused.Add(-1)
	defer r.touch()
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
		return !r.halted()
	case <-r.wake:
		return false
	}
}
