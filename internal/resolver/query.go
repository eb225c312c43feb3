package resolver

import (
	"context"
	"math/rand/v2"
	"time"

	"weir/internal/dns"
)

// A flight is a name that is being asked for, on behalf of everybody who wants to know.
type flight struct {
	name    string
	ctx     context.Context
	cancel  context.CancelFunc
	queries map[*Query]struct{}
	begun   bool // there is a goroutine
	told    bool // the first addresses, while others may follow
}

// A Query is one asker's question for the addresses of a name. All that ask for the same name meanwhile share the messages.
type Query struct {
	r        *Resolver
	name     string
	urgent   bool // it does not wait for those that are not
	answered func()
	answer   Answer
	err      error
}

// Query returns the question for name; nobody is asked yet.
func (r *Resolver) Query(name string) *Query { return &Query{r: r, name: dns.Normalize(name)} }

// Begin asks, and returns at once. answered is called once when Answer has the answer: by another goroutine, or before Begin returns.
// It must not block. stop says that the answer is not wanted any more: once it has returned answered is not called. After stop the
// Query may begin again.
func (q *Query) Begin(answered func()) (stop func()) {
	r := q.r
	r.mu.Lock()
	defer r.mu.Unlock()
	q.answered = answered
	switch a, ok := r.cached(q.name); {
	case ok:
		q.tell(a, nil)
	case r.closed || len(r.options.Servers) == 0:
	default:
		r.join(q)
	}
	return func() { r.leave(q) }
}

// Answer is what has been found out, once answered has been called. The error is an Error.
func (q *Query) Answer() (Answer, error) { return q.answer, q.err }

// tell answers the query, unless it has stopped. The resolver's lock is held.
func (q *Query) tell(a Answer, err error) {
	if q.answered != nil {
		q.answer, q.err = a, err
		q.answered()
		q.answered = nil
	}
}

// Cached is what is known of name without asking, in an order that begins by chance, as nginx gives it out.
func (r *Resolver) Cached(name string) (Answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cached(dns.Normalize(name))
}

func (r *Resolver) cached(name string) (Answer, bool) {
	a, ok := r.cache[name]
	if !ok || !time.Now().Before(a.Until) {
		delete(r.cache, name)
		return Answer{}, false
	}
	first := rand.IntN(len(a.Addrs))
	a.Addrs = append(a.Addrs[first:len(a.Addrs):len(a.Addrs)], a.Addrs[:first]...)
	return a, true
}

// join adds q to the flight for its name, which it begins if there is none. The lock is held.
func (r *Resolver) join(q *Query) {
	f := r.flights[q.name]
	if f == nil {
		f = &flight{name: q.name, queries: map[*Query]struct{}{}}
		f.ctx, f.cancel = context.WithCancel(r.ctx)
		r.flights[q.name] = f
	}
	f.queries[q] = struct{}{}
	switch {
	case f.begun:
		return
	case q.urgent:
		r.urgent = append(r.urgent, f)
	case len(f.queries) == 1:
		r.waiting = append(r.waiting, f)
	}
	r.beginNext()
}

// leave takes q out of its flight, which ends when nobody is left. It does nothing for a query that is answered.
func (r *Resolver) leave(q *Query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.answered = nil
	f := r.flights[q.name]
	if f == nil {
		return
	}
	delete(f.queries, q)
	if len(f.queries) == 0 {
		f.cancel()
		delete(r.flights, f.name)
	}
}

// begin starts the flight's goroutine. The lock is held.
func (r *Resolver) begin(f *flight) {
	f.begun = true
	r.active++
	r.running.Go(func() {
		a, err := r.host(f.ctx, f.name, func(a Answer) { r.landEarly(f, a) })
		f.cancel()
		r.land(f, a, err)
	})
}

// land passes on what has been found out, and begins the next flight that waits.
func (r *Resolver) land(f *flight, a Answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.told {
		r.late--
		if err == nil && a.Incomplete() == 0 {
			r.keep(f.name, a)
		}
		return
	}
	r.active--
	r.deliver(f, a, err)
	r.beginNext()
}

// landEarly passes on the addresses of one family, which those of the other kept waiting. The flight continues in the background, if there
// are not too many of its kind. Those who were told may ask again after that.
func (r *Resolver) landEarly(f *flight, a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.told = true
	r.active--
	r.late++
	r.deliver(f, a, nil)
	if r.late > maxLate {
		f.cancel()
	}
	r.beginNext()
}

// deliver tells everybody who waits for f what has been found out, and keeps it. The lock is held.
func (r *Resolver) deliver(f *flight, a Answer, err error) {
	if r.flights[f.name] != f {
		return // nobody waits for it
	}
	delete(r.flights, f.name)
	if err == nil {
		r.keep(f.name, a)
	}
	if again := time.Now().Add(r.resend + r.grace); f.told && again.Before(a.Until) {
		a.Until = again
	}
	for q := range f.queries {
		q.tell(a, err)
	}
}

// beginNext begins what has waited longest, as far as there is room: half of it is for what is urgent alone. The lock is held.
func (r *Resolver) beginNext() {
	r.beginSome(&r.urgent, 2*maxFlights)
	r.beginSome(&r.waiting, maxFlights)
}

// beginSome begins flights of a list until limit are active. Those that have begun otherwise, or that nobody waits for any more, are
// let go.
func (r *Resolver) beginSome(list *[]*flight, limit int) {
	for len(*list) > 0 && r.active < limit && !r.closed {
		f := (*list)[0]
		*list = (*list)[1:]
		if !f.begun && f.ctx.Err() == nil {
			r.begin(f)
		}
	}
}

// keep remembers an answer. When there are too many, one that has ended makes room, else any.
func (r *Resolver) keep(name string, a Answer) {
	if len(r.cache) >= maxCached {
		r.evict()
	}
	r.cache[name] = a
}

// maxEvicted is how many answers are looked at to make room for one: sessions may ask for other names all the time.
const maxEvicted = 16

// evict lets go of those of a few answers that have ended, or of one that has not.
func (r *Resolver) evict() {
	now, looked, victim := time.Now(), 0, ""
	for name, a := range r.cache {
		if !now.Before(a.Until) {
			delete(r.cache, name)
		}
		victim = name
		if looked++; looked == maxEvicted {
			break
		}
	}
	if len(r.cache) >= maxCached {
		delete(r.cache, victim)
	}
}
