package resolver

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"time"

	"weir/internal/dns"
)

// host looks up the addresses of name, following its aliases. It calls early at most once, when the
// addresses of one family are known and those of the other are late; the answer that it then
// returns may be complete.
func (r *Resolver) host(ctx context.Context, name string, early func(Answer)) (Answer, error) {
	ttl := time.Duration(math.MaxInt64)
	names := []string{name}
	for range dns.MaxAliases {
		x := r.exchange(name, r.kinds)
		x.Grace, x.Late = r.grace, r.resend
		x.Early = func(replies []dns.Reply) {
			if f := r.merge(replies, ttl); len(f.addrs) > 0 {
				early(r.answer(f))
			}
		}
		replies, err := x.Do(ctx)
		if err != nil {
			return Answer{Until: r.until(forNothing)}, ErrNotFound // as ngx_resolve_name_locked for an invalid name
		}
		found := r.merge(replies, ttl)
		if len(found.addrs) > 0 {
			return r.answer(found), nil
		}
		if found.alias == "" || slices.Contains(names, found.alias) {
			return Answer{Until: r.until(forNothing)}, found.failure()
		}
		name, ttl = found.alias, found.ttl
		names = append(names, name)
	}
	return Answer{Until: r.until(forNothing)}, ErrNotFound
}

// exchange returns an exchange for records of those kinds, which repeats until it is answered. The
// servers are asked in turn.
func (r *Resolver) exchange(name string, kinds []dns.Kind) *dns.Exchange {
	x := &dns.Exchange{Name: name, Kinds: kinds}
	if say := r.say.Load(); say != nil {
		x.OnError = *say
	}
	servers := r.options.Servers
	first := int((r.turn.Add(1) - 1) % uint32(len(servers)))
	for i := range servers {
		x.Attempts = append(x.Attempts, dns.Attempt{Server: servers[(first+i)%len(servers)], Wait: r.resend})
	}
	return x
}

// found is the combined result of the replies for both families.
type found struct {
	addrs       []netip.Addr
	alias       string
	ttl         time.Duration
	code        Error // the first failure
	noA, noAAAA Error
}

// merge combines the replies for both families. Addresses of one family count even if the other
// failed.
func (r *Resolver) merge(replies []dns.Reply, ttl time.Duration) found {
	all := found{ttl: ttl}
	for i := range replies {
		reply := &replies[i]
		all.addrs = append(all.addrs, reply.Addrs...)
		if all.alias == "" {
			all.alias = reply.Alias
		}
		if reply.Useful() || reply.Alias != "" {
			all.ttl = min(all.ttl, reply.TTL)
		}
		code := errorIn(reply)
		if all.code == 0 {
			all.code = code
		}
		if code == ErrNotFound {
			continue
		}
		if r.kinds[i] == dns.A {
			all.noA = code
		} else {
			all.noAAAA = code
		}
	}
	all.addrs = all.addrs[:min(len(all.addrs), MaxAddresses)]
	return all
}

// errorIn returns the failure in a reply, or 0.
func errorIn(reply *dns.Reply) Error {
	switch {
	case !reply.Answered:
		return ErrTimedOut
	case reply.Code != dns.Success:
		return errorOf(reply.Code)
	}
	return 0
}

// answer returns the addresses found. If servers failed one family, the answer expires soon, so
// that it is asked for again.
func (r *Resolver) answer(f found) Answer {
	a := Answer{Addrs: f.addrs, Until: r.until(f.ttl), NoA: f.noA, NoAAAA: f.noAAAA}
	soon := time.Now().Add(forNothing)
	if why := a.Incomplete(); why != 0 && why != ErrTimedOut && soon.Before(a.Until) {
		a.Until = soon
	}
	return a
}

// failure returns the reason why there are no addresses: a name without records is treated as
// nonexistent.
func (f *found) failure() Error {
	if f.code == 0 {
		return ErrNotFound
	}
	return f.code
}
