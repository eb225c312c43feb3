// Package resolver asks name servers for addresses while weir runs, like nginx's own resolver: A
// and AAAA at once, the servers in turn, again after 5 seconds. Answers are cached for their TTL.
// /etc/hosts and search domains are not used.
//
// It waits less than nginx does. A server that refuses or fails is not waited for, and one family
// of addresses is enough: the other one may fail, or be answered late.
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
	// resendAfter is the time after which the next name server is asked.
	resendAfter = 5 * time.Second
	// familyGrace is the time that the addresses of one family wait for those of the other.
	familyGrace = time.Second
	// forNothing is the time for which a failed lookup is cached, unless valid= is set.
	forNothing = 10 * time.Second
	// maxFlights is the maximum number of concurrent lookups for sessions, and also for Lookup;
	// others wait.
	maxFlights = 256
	// maxLate is the maximum number of lookups in the background, for which the addresses of one
	// family are known.
	maxLate = 256
	// maxCached is the maximum number of cached names.
	maxCached = 4096
)

// Options configure a Resolver.
type Options struct {
	Servers     []netip.AddrPort // in the order of the configuration; if empty, every question times out
	Valid       time.Duration    // how long answers are cached; 0 uses their TTL
	NoA, NoAAAA bool             // ipv4=off, ipv6=off
	Counters    *Counters        // nil counts nothing
}

// A Resolver asks the servers of one resolver directive. It is safe for concurrent use. It has
// sockets and goroutines only for outstanding questions.
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
	urgent  []*flight // of Lookup, waiting, in order
	waiting []*flight // others waiting, in order
	active  int
	late    int // flights that have delivered their first addresses and wait for others
	cache   map[string]Answer
}

// An Answer contains the addresses of a name and their expiry time. With an error there are no
// addresses, and Until is the time to ask again.
type Answer struct {
	Addrs []netip.Addr // must not be changed
	Until time.Time
	// NoA and NoAAAA are the reasons why addresses of one family are unknown because no server
	// answered; 0 otherwise.
	NoA, NoAAAA Error
}

// Incomplete returns the reason why addresses of one family may be missing; 0 if none are.
func (a Answer) Incomplete() Error {
	if a.NoA != 0 {
		return a.NoA
	}
	return a.NoAAAA
}

// New returns a Resolver. Close it when it is no longer needed.
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

// OnError sets say, which receives the system errors of asking a server; what names the failed call
// as in nginx. say must not block.
func (r *Resolver) OnError(say func(what string, err error, server netip.AddrPort)) {
	r.say.Store(&say)
}

// String lists the servers, for tests and logs.
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

// Close ends all questions without an answer, and waits until no goroutine of the resolver runs.
func (r *Resolver) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.running.Wait()
	return nil
}

// until returns the expiry time of an answer with that TTL.
func (r *Resolver) until(ttl time.Duration) time.Time {
	if r.options.Valid > 0 {
		ttl = r.options.Valid
	}
	return time.Now().Add(ttl)
}

// Lookup returns the addresses of name, and waits for them until ctx ends. It is for the few names
// of the configuration: its question does not wait for those of sessions. The error is an Error.
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
