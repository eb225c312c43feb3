// Package resolver asks name servers for addresses while weir runs, as nginx's own resolver: over UDP, and TCP for what is too long;
// several servers in turn, again after 5 seconds; A and AAAA at once. What is found is kept for as long as it is good. /etc/hosts and
// search domains are not looked at.
//
// See resolver in https://nginx.org/en/docs/stream/ngx_stream_core_module.html, and ngx_resolver.c.
package resolver

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// resendAfter is how long a name server may take before the next one is asked.
	resendAfter = 5 * time.Second
	// forNothing is how long it is good that a name has no address, unless valid= says otherwise.
	forNothing = 10 * time.Second
	// maxFlights is how many names are asked for at once on behalf of sessions, and as many for Lookup; others wait.
	maxFlights = 256
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
	kinds   []dnsmessage.Type
	network string
	resend  time.Duration
	turn    atomic.Uint32
	running sync.WaitGroup
	say     atomic.Pointer[func(what string, err error, server netip.AddrPort)]

	mu      sync.Mutex
	closed  bool
	flights map[string]*flight
	urgent  []*flight // of Lookup, that wait, in order
	waiting []*flight // others that wait, in order
	active  int
	cache   map[string]Answer
}

// An Answer is the addresses of a name and until when they are good. With an error there are none, and Until says when asking again
// makes sense.
type Answer struct {
	Addrs []netip.Addr // not to be changed
	Until time.Time
}

// New returns a Resolver. Close it when no question of it is wanted any more.
func New(o Options) *Resolver {
	r := &Resolver{options: o, network: "udp4", resend: resendAfter, flights: map[string]*flight{}, cache: map[string]Answer{}}
	for _, s := range o.Servers {
		if !s.Addr().Is4() {
			r.network = "udp"
		}
	}
	if !o.NoA {
		r.kinds = append(r.kinds, dnsmessage.TypeA)
	}
	if !o.NoAAAA {
		r.kinds = append(r.kinds, dnsmessage.TypeAAAA)
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
	for _, f := range r.flights {
		f.cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
	return nil
}

// nextServer takes the servers in turn.
func (r *Resolver) nextServer() netip.AddrPort {
	n := r.turn.Add(1) - 1
	return r.options.Servers[n%uint32(len(r.options.Servers))]
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
		return Answer{Until: r.until(forNothing)}, TimedOut
	}
}

// host asks for the addresses of name, following its aliases.
func (r *Resolver) host(ctx context.Context, name string) (Answer, error) {
	ttl := time.Duration(math.MaxInt64)
	for range maxAliases {
		replies, err := r.exchange(ctx, name, r.kinds)
		if err != nil {
			return Answer{Until: r.until(forNothing)}, err
		}
		all := merge(replies)
		ttl = min(ttl, all.ttl)
		if len(all.addrs) > 0 {
			return Answer{all.addrs[:min(len(all.addrs), MaxAddresses)], r.until(ttl)}, nil
		}
		if all.code != 0 || all.alias == "" {
			return Answer{Until: r.until(forNothing)}, all.failure()
		}
		name = all.alias
	}
	return Answer{Until: r.until(forNothing)}, HostNotFound
}

// merge puts the replies for both families together: addresses of one count although the other failed.
func merge(replies []reply) reply {
	all := reply{ttl: math.MaxInt64}
	for _, r := range replies {
		all.addrs = append(all.addrs, r.addrs...)
		if all.code == 0 {
			all.code = r.code
		}
		if all.alias == "" {
			all.alias = r.alias
		}
		if len(r.addrs) > 0 || r.alias != "" {
			all.ttl = min(all.ttl, r.ttl)
		}
	}
	return all
}

// failure is why there is nothing: no record at all is as good as no name.
func (r *reply) failure() Error {
	if r.code == 0 {
		return HostNotFound
	}
	return errorOf(r.code)
}
