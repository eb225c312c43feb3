package dns

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ErrInvalidName is returned for a name that is not a valid DNS name.
var ErrInvalidName = errors.New("invalid DNS name")

// An Attempt is one server to ask and the time to wait for its answer before asking the next one.
type Attempt struct {
	Server netip.AddrPort
	Wait   time.Duration
}

// An Exchange asks servers for several kinds of records of one name at once. If a server refuses,
// reports a failure or cannot be reached, the next one is asked at once. Late answers of earlier
// servers are accepted. Each server has its own socket, whose port the system chooses.
//
// Its fields must not change after Do has started. It is used once.
type Exchange struct {
	Name     string    // without the trailing dot; case is ignored
	Kinds    []Kind    // each at most once
	Attempts []Attempt // one round, in order; at least one
	// Rounds is the number of times that all attempts are made; 0 repeats them until a question is
	// answered or the context ends. Without a limit, a round takes at least as long as the wait of
	// its first attempt, and a failure that a server reports counts after the first round.
	Rounds int
	TCP    bool // do not use UDP
	EDNS0  bool // allow UDP answers of more than 512 bytes
	// Partial makes one answered question sufficient: the questions that this server refuses or
	// does not answer are sent to it at most once more, and to no other server.
	Partial bool
	// Early, if not nil, is called at most once, when one question has had records for Grace while
	// another has no answer. Do then continues for at most Late. Replies does not change
	// afterwards.
	Early       func(replies []Reply)
	Grace, Late time.Duration
	// OnError, if not nil, receives the first system error of each socket; what is the name of the
	// failed call.
	OnError func(what string, err error, server netip.AddrPort)
}

// Do returns the replies in the order of Kinds. If no server answers a question before ctx ends, or
// in all rounds, Answered of its reply is false. The only error is ErrInvalidName. No goroutine of
// the exchange runs after Do has returned.
func (x *Exchange) Do(ctx context.Context) ([]Reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &run{Exchange: x, ctx: ctx, events: make(chan event), links: map[netip.AddrPort]*link{}}
	defer r.running.Wait()
	defer cancel()
	if err := r.prepare(); err != nil {
		return nil, err
	}
	r.rounds()
	return r.replies(), nil
}

// run is the state of an Exchange. Goroutines other than that of Do use only constant fields,
// events and running.
type run struct {
	*Exchange
	ctx       context.Context
	events    chan event
	running   sync.WaitGroup
	questions []*asking
	links     map[netip.AddrPort]*link
	current   int64 // the number of the current attempt; late answers have a lower one
	grace     <-chan time.Time
	late      <-chan time.Time
	repeated  bool // the remaining question has been asked once more
}

// asking is one question and its state.
type asking struct {
	question
	packed   []byte
	reply    Reply // a failure, used if no better reply arrives, until settled
	settled  bool
	failedAt int64 // the last attempt whose server failed; 0 for none
}

// An event is one result from a socket.
type event struct {
	attempt int64
	asked   *asking // nil if the server cannot be reached
	reply   Reply
	err     error
}

func (r *run) prepare() error {
	var used []uint16
	for _, kind := range r.Kinds {
		id := uint16(rand.Uint32())
		for slices.Contains(used, id) {
			id++
		}
		used = append(used, id)
		q := &asking{question: question{id: id, name: Normalize(r.Name), kind: kind}}
		packed, err := q.pack(r.EDNS0)
		if err != nil {
			return ErrInvalidName
		}
		q.packed = packed
		r.questions = append(r.questions, q)
	}
	return nil
}

// rounds makes attempts until no question is open and no answer is awaited.
func (r *run) rounds() {
	for n := 0; r.Rounds == 0 || n < r.Rounds; n++ {
		begun := time.Now()
		for _, a := range r.Attempts {
			if !r.attempt(a) {
				return
			}
		}
		if r.Rounds == 0 && !r.rest(begun.Add(r.Attempts[0].Wait)) {
			return
		}
	}
}

// rest ends a round without limit at the given time. A failure counts at once if the last server
// has also reported it, and otherwise at the end of the round. It reports whether the exchange
// continues.
func (r *run) rest(until time.Time) bool {
	r.settleFailures(r.current)
	return r.wait(time.Until(until), true) && !r.settleFailures(0)
}

// attempt asks a server the open questions and waits for it. It reports whether the exchange
// continues.
func (r *run) attempt(a Attempt) bool {
	r.ask(a.Server, false)
	if !r.wait(a.Wait, false) {
		return false
	}
	if !r.Partial || !r.anyAnswered() {
		return true
	}
	if !r.repeated && r.anySilent() {
		r.repeated = true
		r.ask(a.Server, true)
		r.wait(a.Wait, false)
	}
	return false
}

// wait handles events until d has passed or, unless whole, until currentFailed. It reports whether
// the exchange continues: a question is open and the context has not ended.
func (r *run) wait(d time.Duration, whole bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for r.anyOpen() {
		if !whole && r.currentFailed() {
			return true
		}
		select {
		case e := <-r.events:
			r.take(e)
			if whole {
				r.settleFailures(r.current)
			}
		case <-r.grace:
			r.grace = nil
			r.late = time.After(r.Late)
			r.Early(r.replies())
		case <-r.late:
			return false
		case <-timer.C:
			return true
		case <-r.ctx.Done():
			return false
		}
	}
	return false
}

// take settles a question, or records that a server has failed it.
func (r *run) take(e event) {
	switch {
	case e.asked == nil:
		for _, q := range r.questions {
			q.failedAt = max(q.failedAt, e.attempt)
		}
	case e.asked.settled:
	case e.err != nil:
		e.asked.failedAt = max(e.asked.failedAt, e.attempt)
	case e.reply.failed():
		e.asked.failedAt = max(e.asked.failedAt, e.attempt)
		if !e.asked.reply.Answered {
			e.asked.reply = e.reply
		}
	default:
		e.asked.reply, e.asked.settled = e.reply, true
		if r.Early != nil && r.grace == nil && r.late == nil && e.reply.Useful() {
			r.grace = time.After(r.Grace)
		}
	}
}

func (r *run) replies() []Reply {
	all := make([]Reply, len(r.questions))
	for i, q := range r.questions {
		all[i] = q.reply
	}
	return all
}

// settleFailures accepts the failures that servers reported for questions that failed in the
// attempt since or later. It reports whether no question is open.
func (r *run) settleFailures(since int64) bool {
	for _, q := range r.questions {
		q.settled = q.settled || q.reply.Answered && q.failedAt >= since
	}
	return !r.anyOpen()
}

func (r *run) any(is func(q *asking) bool) bool { return slices.ContainsFunc(r.questions, is) }

func (r *run) anyOpen() bool { return r.any(func(q *asking) bool { return !q.settled }) }

// open lists the unsettled questions.
func (r *run) open() (open []*asking) {
	for _, q := range r.questions {
		if !q.settled {
			open = append(open, q)
		}
	}
	return open
}

// anyAnswered reports whether a question is settled.
func (r *run) anyAnswered() bool { return r.any(func(q *asking) bool { return q.settled }) }

// anySilent reports whether the current server has neither answered a question nor failed it.
func (r *run) anySilent() bool {
	return r.any(func(q *asking) bool { return !q.settled && q.failedAt < r.current })
}

// currentFailed reports whether the current server has failed a question, so that the next server
// must be asked. With Partial, it must have failed every open question.
func (r *run) currentFailed() bool {
	if r.Partial {
		return !r.anySilent()
	}
	return r.any(func(q *asking) bool { return !q.settled && q.failedAt == r.current })
}
