package getaddrinfo

import (
	"context"
	"net/netip"
	"strings"

	"weir/internal/ascii"
	"weir/internal/dns"
)

// The longest name to ask for, including its domain, and its longest label.
const (
	maxName  = 1024
	maxLabel = 63
)

// askDNS asks the name servers of resolv.conf for name, also in its search domains.
func (s *system) askDNS(ctx context.Context, name string, family family) ([]netip.Addr, status) {
	if !isHostname(name) {
		return nil, notFound
	}
	c := s.resolvConf()
	q := &search{ctx: ctx, conf: c, kinds: kindsFor(family, c.noAAAA)}
	found, ok := q.search(name)
	switch {
	case ok && len(found) > 0:
		if family == onlyIPv4 {
			c.sort(found)
		}
		return found, success
	case !ok && q.unreachable:
		return nil, unavailable
	}
	return nil, notFound
}

func kindsFor(family family, noAAAA bool) []dns.Kind {
	switch {
	case family == onlyIPv6:
		return []dns.Kind{dns.AAAA}
	case family == onlyIPv4 || noAAAA:
		return []dns.Kind{dns.A}
	}
	return []dns.Kind{dns.A, dns.AAAA}
}

// isHostname reports whether name may be looked up, as res_hnok: letters, digits, hyphens and
// underscores between dots.
func isHostname(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if name == "" || name[0] == '-' {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
		for _, c := range []byte(label) {
			if ascii.Lower(c) < 'a' || ascii.Lower(c) > 'z' {
				if (c < '0' || c > '9') && c != '-' && c != '_' {
					return false
				}
			}
		}
	}
	return true
}

// A search asks for a name unchanged and in the domains of resolv.conf. It follows res_search.
type search struct {
	ctx         context.Context
	conf        *resolvConf
	kinds       []dns.Kind
	unreachable bool // some question was not answered
}

// An outcome is the result of a question.
type outcome int

const (
	outcomeFound outcome = iota // there are records, possibly only aliases
	outcomeNoName
	outcomeFailed // a server failed
	outcomeSilent // no server answered
)

// search returns the addresses of name. ok reports whether the name exists; it may have no address.
func (q *search) search(name string) (found []netip.Addr, ok bool) {
	dots := strings.Count(name, ".")
	final := strings.HasSuffix(name, ".")
	asIs := dots >= q.conf.ndots || final
	if asIs {
		found, outcome := q.ask(name)
		if outcome == outcomeFound || final {
			return found, outcome == outcomeFound
		}
	}
	if !final {
		found, ok, root := q.searchDomains(name)
		if ok {
			return found, true
		}
		asIs = asIs || root
	}
	if asIs || dots == 0 && len(q.conf.search) > 0 && q.conf.noTLD {
		return nil, false
	}
	found, outcome := q.ask(name)
	return found, outcome == outcomeFound
}

// searchDomains asks for name in each domain in turn. root reports that one of them was the name
// unchanged.
func (q *search) searchDomains(name string) (found []netip.Addr, ok, root bool) {
	for _, domain := range q.conf.search {
		domain = strings.TrimPrefix(domain, ".")
		root = root || domain == ""
		found, outcome := q.ask(name + "." + domain)
		if outcome == outcomeFound {
			return found, true, root
		}
		if outcome == outcomeSilent {
			break
		}
	}
	return nil, false, root
}

// ask asks the name servers for one name.
func (q *search) ask(name string) ([]netip.Addr, outcome) {
	if len(name) >= maxName {
		return nil, outcomeNoName
	}
	var replies []dns.Reply
	if q.conf.single {
		for _, kind := range q.kinds {
			replies = append(replies, q.exchange(name, kind)...)
		}
	} else {
		replies = q.exchange(name, q.kinds...)
	}
	if replies == nil {
		return nil, outcomeNoName
	}
	return q.judge(replies)
}

// exchange asks for the given kinds of records. It returns nil if name cannot be a name.
func (q *search) exchange(name string, kinds ...dns.Kind) []dns.Reply {
	x := &dns.Exchange{Name: name, Kinds: kinds, Rounds: q.conf.attempts, TCP: q.conf.tcp, EDNS0: q.conf.edns0, Partial: true}
	for i, server := range q.conf.rotated() {
		x.Attempts = append(x.Attempts, dns.Attempt{Server: server, Wait: q.conf.wait(i)})
	}
	replies, err := x.Do(q.ctx)
	if err != nil {
		return nil
	}
	return replies
}

// judge combines the replies for both families. It follows res_query.
func (q *search) judge(replies []dns.Reply) (found []netip.Addr, result outcome) {
	result = outcomeSilent
	for i := range replies {
		r := &replies[i]
		found = append(found, r.Addrs...)
		switch {
		case r.Code == dns.Success && (r.Useful() || r.Alias != ""):
			result = outcomeFound
		case r.Answered && (r.Code == dns.Success || r.Code == dns.NameError):
			result = min(result, outcomeNoName)
		case r.Answered && r.Code == dns.ServerFailure:
			result = min(result, outcomeFailed)
		}
	}
	q.unreachable = q.unreachable || result == outcomeFailed || result == outcomeSilent
	return found, result
}
