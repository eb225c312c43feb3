// Package resolver asks name servers for addresses while weir runs, as nginx's own resolver: A and AAAA at once, the servers in turn,
// again after 5 seconds. Answers are cached for their TTL. /etc/hosts and search domains are not used.
//
// It needs less than nginx does. A server that refuses or fails is not waited for, and one family of addresses is enough: the other
// one may fail, or be answered late.
//
// See resolver in https://nginx.org/en/docs/stream/ngx_stream_core_module.html, and ngx_resolver.c.
package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/dns"
)

const (
	// resendAfter is how long a name server may take before the next one is asked.
	resendAfter = 5 * time.Second
	// familyGrace is how long the addresses of one family wait for those of the other.
	familyGrace = time.Second
	// forNothing is how long it is good that a name has no address, unless valid= says otherwise.
	forNothing = 10 * time.Second
	// maxFlights is how many names are asked for at once on behalf of sessions, and as many for Lookup; others wait.
	maxFlights = 256
	// maxLate is how many names are asked for in the background, whose addresses of one family are known.
	maxLate = 256
	// maxCached is how many names are kept.
	maxCached = 4096
)

// Options shape a Resolver.
type Options struct {
	Servers     []netip.AddrPort // in the order of the configuration; none: every question times out
	Valid       time.Duration    // how long answers are good; 0: as long as they say
	NoA, NoAAAA bool             // ipv4=off, ipv6=off
}

// A Resolver asks the servers of one resolver directive. It is safe for concurrent use. It holds no socket and no goroutine but for
// questions that are under way.
type Resolver struct {
	options Options
	kinds   []dns.Kind
	resend  time.Duration
	grace   time.Duration
	turn    atomic.Uint32
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	say     atomic.Pointer[func(what string, err error, server netip.AddrPort)]

	mu      sync.Mutex
	closed  bool
	flights map[string]*flight
	urgent  []*flight // of Lookup, that wait, in order
	waiting []*flight // others that wait, in order
	active  int
	late    int // flights that have told their first addresses and wait for others
	cache   map[string]Answer
}

// An Answer is the addresses of a name and until when they are good. With an error there are none, and Until says when asking again
// makes sense.
type Answer struct {
	Addrs []netip.Addr // not to be changed
	Until time.Time
	// NoA and NoAAAA say why there are no addresses of one family, if no server could tell; 0 otherwise.
	NoA, NoAAAA Error
}

// Incomplete returns why addresses of one family may be missing; 0 if none are.
func (a Answer) Incomplete() Error {
	if a.NoA != 0 {
		return a.NoA
	}
	return a.NoAAAA
}

// New returns a Resolver. Close it when no question of it is wanted any more.
func New(o Options) *Resolver {
	r := &Resolver{
		options: o, resend: resendAfter, grace: familyGrace, flights: map[string]*flight{}, cache: map[string]Answer{},
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if !o.NoA {
		r.kinds = append(r.kinds, dns.A)
	}
	if !o.NoAAAA {
		r.kinds = append(r.kinds, dns.AAAA)
	}
	return r
}

// OnError has say called with what the system says against asking a server; what has failed is named as by nginx. It must not block.
func (r *Resolver) OnError(say func(what string, err error, server netip.AddrPort)) {
	r.say.Store(&say)
}

// String says who is asked, for tests and logs.
func (r *Resolver) String() string {
	text := fmt.Sprint(r.options.Servers)
	if r.options.Valid > 0 {
		text += " valid=" + r.options.Valid.String()
	}
	for _, kind := range r.kinds {
		text += " " + strings.TrimPrefix(kind.String(), "Type")
	}
	return text
}

// Close ends all questions without an answer, and waits until nothing of the resolver runs.
func (r *Resolver) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.running.Wait()
	return nil
}

// until is when an answer of that time to live ends.
func (r *Resolver) until(ttl time.Duration) time.Time {
	if r.options.Valid > 0 {
		ttl = r.options.Valid
	}
	return time.Now().Add(ttl)
}

// Lookup returns the addresses of name, and waits for them as long as ctx lasts. It is for names of the configuration, of which there
// are not many: its question does not wait for those of sessions. The error is an Error.
func (r *Resolver) Lookup(ctx context.Context, name string) (Answer, error) {
	q := r.Query(name)
	q.urgent = true
	answered := make(chan struct{}, 1)
	stop := q.Begin(func() { answered <- struct{}{} })
	defer stop()
	select {
	case <-answered:
		return q.Answer()
	case <-ctx.Done():
		return Answer{Until: r.until(forNothing)}, ErrTimedOut
	}
}
