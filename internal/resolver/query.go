package resolver

import (
	"context"
	"math/rand/v2"
	"time"

	"weir/internal/dns"
)

// A flight is one lookup of a name, shared by all queries for it.
type flight struct {
	name    string
	ctx     context.Context
	cancel  context.CancelFunc
	queries map[*Query]struct{}
	begun   bool // its goroutine runs
	told    bool // the first addresses are delivered, others may follow
}

// A Query is one caller's question for the addresses of a name. Concurrent queries for the same
// name share the messages.
type Query struct {
	r        *Resolver
	name     string
	urgent   bool // it does not wait for non-urgent ones
	answered func()
	answer   Answer
	err      error
}

// Query returns the question for name, without starting it.
func (r *Resolver) Query(name string) *Query { return &Query{r: r, name: dns.Normalize(name)} }

// Begin starts the lookup and returns at once. answered is called once when Answer has the answer:
// from another goroutine, or before Begin returns. It must not block. stop cancels the query: after
// it has returned answered is not called. After stop the Query may begin again.
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

// Answer returns the result, after answered has been called. The error is an Error.
func (q *Query) Answer() (Answer, error) { return q.answer, q.err }

// tell answers the query, unless it has stopped. The resolver's lock is held.
func (q *Query) tell(a Answer, err error) {
	if q.answered != nil {
		q.answer, q.err = a, err
		q.answered()
		q.answered = nil
	}
}

// Cached returns the cached answer for name without asking, starting with a random address, as
// nginx does.
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

// join adds q to the flight for its name, and begins one if there is none. The lock is held.
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

// leave removes q from its flight, which ends when no query is left. It does nothing for an
// answered query.
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
	r.options.Counters.request(nameRequest)
	r.running.Go(func() {
		a, err := r.host(f.ctx, f.name, func(a Answer) { r.landEarly(f, a) })
		f.cancel()
		r.land(f, a, err)
	})
}

// land delivers the answer of f and begins the next waiting flight.
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
	r.options.Counters.response(err)
	r.deliver(f, a, err)
	r.beginNext()
}

// landEarly delivers the addresses of one family while those of the other are late. The flight
// continues in the background, unless too many do. The queries answered so may ask again after
// that.
func (r *Resolver) landEarly(f *flight, a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.told = true
	r.active--
	r.late++
	r.options.Counters.response(nil)
	r.deliver(f, a, nil)
	if r.late > maxLate {
		f.cancel()
	}
	r.beginNext()
}

// deliver answers all queries of f and caches the answer. The lock is held.
func (r *Resolver) deliver(f *flight, a Answer, err error) {
	if r.flights[f.name] != f {
		return // no query waits for it
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

// beginNext begins the flights that have waited longest, as far as there is room: half of it is for
// urgent flights only. The lock is held.
func (r *Resolver) beginNext() {
	r.beginSome(&r.urgent, 2*maxFlights)
	r.beginSome(&r.waiting, maxFlights)
}

// beginSome begins flights of a list until limit are active. Flights that have already begun, or
// that no query waits for any more, are removed.
func (r *Resolver) beginSome(list *[]*flight, limit int) {
	for len(*list) > 0 && r.active < limit && !r.closed {
		f := (*list)[0]
		*list = (*list)[1:]
		if !f.begun && f.ctx.Err() == nil {
			r.begin(f)
		}
	}
}

// keep caches an answer. If the cache is full, it evicts an expired answer, or else any.
func (r *Resolver) keep(name string, a Answer) {
	if len(r.cache) >= maxCached {
		r.evict()
	}
	r.cache[name] = a
}

// maxEvicted is the number of answers checked to make room for one: sessions may ask for new names
// all the time.
const maxEvicted = 16

// evict removes the expired ones of a few answers, or else one that has not expired.
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
