package healthcheck

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/upstream"
)

// A Checker runs the checks of a configuration, in one goroutine. The goroutine sleeps while nothing
// is due; one more for each check waits for changes of its group.
type Checker struct {
	Checks []*Check

	env        *stream.Env
	sockets    sockets
	goroutines sync.WaitGroup
	done       <-chan struct{} // of Run
	ended      chan *exchange  // of goroutines
	peers      chan change
	queue      queue
	targets    map[*Check]map[int]*target // by ID of the peer
	made       int                        // how many targets there have been
	inFlight   int                        // exchanges of sockets
	tick       time.Duration              // usually until the next look at the sockets
	nextTick   time.Duration
	jitter     func(limit time.Duration) time.Duration
	shortUntil time.Time // no shortage is logged before
}

// A change is the new peers of the group of a check.
type change struct {
	check *Check
	peers []*upstream.Peer
}

// sockets runs exchanges without a goroutine for each.
type sockets interface {
	// start begins an exchange, and reports whether it has ended at once.
	start(x *exchange) bool
	// poll calls end for each exchange that has ended, without waiting. It reports whether anything
	// has happened.
	poll(end func(*exchange)) bool
	// expire ends an exchange whose time is over.
	expire(x *exchange)
	// drop ends an exchange without an outcome.
	drop(x *exchange)
	close()
}

const (
	// maxTick is the longest time between two looks at the sockets while there are exchanges. Many
	// answers at a time cost much less than one wake-up for each.
	maxTick = 40 * time.Millisecond
	// minTick is the first tick after the first check of a peer has begun.
	minTick = time.Millisecond
	// slowTicks is how many ticks pass between two looks if nothing happens.
	slowTicks = 4
	// minTicks is how many ticks there are at least in a timeout and in an interval.
	minTicks = 8
	// startPace is the time between the first checks of the peers of a configuration.
	startPace = time.Millisecond
	// retryAfter is the longest time until a check that was skipped.
	retryAfter = time.Second
)

// Key identifies the checker across generations.
func (c *Checker) Key() string { return "health checks" }

// Open opens nothing yet: the groups know which of their peers must wait for a check.
func (c *Checker) Open(_ context.Context, env *stream.Env, _ stream.Part) error {
	c.env = env
	return nil
}

// Close does nothing: the end of Run has released everything.
func (c *Checker) Close() error { return nil }

// Run checks the servers until ctx ends.
func (c *Checker) Run(ctx context.Context) {
	c.begin(newSockets(c.env.Descriptors), ctx.Done())
	for _, check := range c.Checks {
		c.goroutines.Go(func() { c.watch(check) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.done:
			c.end()
			return
		case change := <-c.peers:
			c.replace(change, time.Now())
		case x := <-c.ended:
			c.finish(x, time.Now())
		case <-timer.C:
		}
		now := time.Now()
		c.step(now)
		timer.Reset(c.sleep(now))
	}
}

// begin makes the state of a run. Without sockets each exchange has a goroutine.
func (c *Checker) begin(s sockets, done <-chan struct{}) {
	c.sockets, c.done = s, done
	c.ended, c.peers = make(chan *exchange), make(chan change)
	c.targets = map[*Check]map[int]*target{}
	c.tick = maxTick
	if c.jitter == nil {
		c.jitter = func(limit time.Duration) time.Duration { return rand.N(limit) }
	}
	for _, check := range c.Checks {
		c.targets[check] = map[int]*target{}
		c.tick = min(c.tick, check.Timeout/minTicks, check.Interval/minTicks)
	}
	c.tick = max(c.tick, minTick)
	c.nextTick = c.tick
}

// watch sends the peers of a check, now and after each change.
func (c *Checker) watch(check *Check) {
	for {
		peers, replaced := check.Group.Watch()
		select {
		case c.peers <- change{check, peers}:
		case <-c.done:
			return
		}
		select {
		case <-replaced:
		case <-c.done:
			return
		}
	}
}

// replace replaces the targets of a check. A peer that stays keeps its results; a new one is checked
// at once.
func (c *Checker) replace(new change, now time.Time) {
	old, next := c.targets[new.check], make(map[int]*target, len(new.peers))
	isStart := len(old) == 0
	pace := min(startPace, new.check.Interval/time.Duration(max(len(new.peers), 1)))
	for _, p := range new.peers {
		if p.Down {
			continue
		}
		t := old[p.ID]
		if t == nil || !t.isSame(p) {
			first := now
			if isStart {
				first = now.Add(pace * time.Duration(len(next)))
			}
			t = c.newTarget(new.check, p, first)
		}
		t.peer = p
		next[p.ID] = t
	}
	for id, t := range old {
		if next[id] != t {
			c.remove(t)
		}
	}
	c.targets[new.check] = next
}

func (c *Checker) newTarget(check *Check, p *upstream.Peer, first time.Time) *target {
	t := &target{check: check, peer: p, health: check.Results.Health(p), place: absent, isUrgent: true, at: first}
	t.plan = newPlan(first, check.Interval, c.made)
	c.made++
	c.queue.set(t)
	return t
}

// remove ends the checks of a peer that has left its group or is down.
func (c *Checker) remove(t *target) {
	t.isGone = true
	c.queue.remove(t)
	c.drop(t)
}

// drop ends the running exchange of t, if there is one.
func (c *Checker) drop(t *target) {
	switch x := t.running; {
	case x == nil:
	case x.cancel != nil:
		x.cancel()
	default:
		c.inFlight--
		c.sockets.drop(x)
	}
	t.running = nil
}

// step collects the exchanges that have ended, and begins and ends those that are due.
func (c *Checker) step(now time.Time) {
	c.poll(now)
	for len(c.queue) > 0 && !c.queue[0].at.After(now) {
		t := c.queue[0]
		if t.running == nil {
			c.start(t, now)
			continue
		}
		c.inFlight--
		c.sockets.expire(t.running)
		c.finish(t.running, now)
	}
}

// poll looks at the sockets. The looks become rarer while nothing happens.
func (c *Checker) poll(now time.Time) {
	if c.inFlight == 0 {
		return
	}
	isProgress := c.sockets.poll(func(x *exchange) {
		c.inFlight--
		c.finish(x, now)
	})
	if isProgress {
		c.nextTick = c.tick
		return
	}
	c.nextTick = min(2*c.nextTick, slowTicks*c.tick)
}

// start begins a check.
func (c *Checker) start(t *target, now time.Time) {
	x := &exchange{target: t, check: t.check, peer: t.peer, addr: t.check.addr(t.peer), end: now.Add(t.check.Timeout)}
	t.running = x
	switch {
	case !c.env.Descriptors.Room(1):
		x.outcome = outcome{
			verdict: Skipped, during: connecting, level: errorlog.Warn, message: "too few file descriptors, server not checked",
		}
		c.finish(x, now)
	case c.sockets == nil || x.check.TLS != nil:
		c.queue.remove(t)
		c.dial(x)
	case c.sockets.start(x):
		c.finish(x, now)
	default:
		c.inFlight++
		c.nextTick = min(c.nextTick, c.tick)
		if t.isUrgent {
			c.nextTick = minTick
		}
		t.at = x.end
		c.queue.set(t)
	}
}

// dial runs an exchange in a goroutine of its own.
func (c *Checker) dial(x *exchange) {
	ctx, cancel := context.WithDeadline(context.Background(), x.end)
	x.cancel = cancel
	c.goroutines.Go(func() {
		defer cancel()
		x.run(ctx)
		select {
		case c.ended <- x:
		case <-c.done:
		}
	})
}

// finish records an exchange that has ended, and plans the next one.
func (c *Checker) finish(x *exchange, now time.Time) {
	t := x.target
	if t.isGone || t.running != x {
		return
	}
	t.running = nil
	if x.outcome.verdict == Skipped {
		c.logShortage(x, now)
		t.at = now.Add(min(retryAfter, x.check.Interval))
		c.queue.set(t)
		return
	}
	before := t.health
	after := t.note(x.outcome.verdict)
	x.check.Results.Report(t.peer, x.outcome.verdict == Passed, after)
	x.log(before, after)
	t.at = t.plan.next(now, x.check.Interval)
	if limit := x.check.Jitter; limit > 0 {
		t.at = t.at.Add(c.jitter(limit))
	}
	c.queue.set(t)
}

// logShortage logs that a check was skipped, at most once a second: the reason is the same for many.
func (c *Checker) logShortage(x *exchange, now time.Time) {
	if now.Before(c.shortUntil) {
		return
	}
	c.shortUntil = now.Add(time.Second)
	x.log(x.target.health, x.target.health)
}

// sleep returns how long the goroutine may sleep if nothing else happens. While there are exchanges,
// a check may begin a tick late, together with others.
func (c *Checker) sleep(now time.Time) time.Duration {
	const forever = time.Hour
	due := forever
	if len(c.queue) > 0 {
		due = max(c.queue[0].at.Sub(now), 0)
	}
	if c.inFlight == 0 {
		return due
	}
	return min(c.nextTick, max(due, c.tick))
}

// end ends all exchanges and goroutines.
func (c *Checker) end() {
	for _, targets := range c.targets {
		for _, t := range targets {
			c.drop(t)
		}
	}
	if c.sockets != nil {
		c.sockets.close()
	}
	c.goroutines.Wait()
}
