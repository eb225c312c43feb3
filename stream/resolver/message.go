package resolver

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxAliases is how many CNAME records lead from a name to its addresses at most, as NGX_RESOLVER_MAX_RECURSION.
const maxAliases = 50

// errNotTheAnswer says that a message does not answer the question: it is passed over, since anybody may have sent it.
var errNotTheAnswer = errors.New("not the answer to the question")

// A question is what one message asks.
type question struct {
	id   uint16
	name string // in lower case, without the last dot
	kind dnsmessage.Type
}

// pack is the question as a message. It fails for what can not be a name.
func (q question) pack() ([]byte, error) {
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// A reply is what a message answers.
type reply struct {
	code      int
	truncated bool
	addrs     []netip.Addr
	services  []service
	alias     string        // where the aliases lead, when what was asked for is not in the message; empty: nowhere
	ttl       time.Duration // the least of the records that lead to the answer
}

// A service is one SRV record.
type service struct {
	target                 string
	port, priority, weight uint16
}

// parse reads the message that answers q. An error means that it does not.
func (q question) parse(message []byte) (reply, error) {
	var p dnsmessage.Parser
	head, err := p.Start(message)
	if err != nil || !head.Response || head.ID != q.id {
		return reply{}, errNotTheAnswer
	}
	asked, err := p.Question()
	if err != nil || lowerName(asked.Name) != q.name || asked.Type != q.kind || asked.Class != dnsmessage.ClassINET {
		return reply{}, errNotTheAnswer
	}
	if err := p.SkipAllQuestions(); err != nil {
		return reply{}, errNotTheAnswer
	}
	if head.RCode != dnsmessage.RCodeSuccess && !head.Truncated {
		return reply{code: int(head.RCode)}, nil
	}
	a := answers{kind: q.kind, aliases: map[string]alias{}, owned: map[string]*reply{}}
	if !head.Truncated {
		if err := a.readAll(&p); err != nil {
			return reply{}, errNotTheAnswer
		}
	}
	found := a.follow(q.name)
	found.code, found.truncated = int(head.RCode), head.Truncated
	return found, nil
}

// answers are the records of a message, by the name that owns them.
type answers struct {
	kind    dnsmessage.Type
	aliases map[string]alias
	owned   map[string]*reply
}

type alias struct {
	to  string
	ttl time.Duration
}

func (a *answers) readAll(p *dnsmessage.Parser) error {
	for {
		head, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.read(p, head); err != nil {
			return err
		}
	}
}

// read takes one record, if it is an alias or of the kind that was asked for.
func (a *answers) read(p *dnsmessage.Parser, head dnsmessage.ResourceHeader) error {
	owner, ttl := lowerName(head.Name), lifetime(head.TTL)
	switch {
	case head.Class != dnsmessage.ClassINET:
	case head.Type == dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		a.aliases[owner] = alias{lowerName(r.CNAME), ttl}
		return err
	case head.Type == a.kind:
		r := a.owned[owner]
		if r == nil {
			r = &reply{ttl: ttl}
			a.owned[owner] = r
		}
		r.ttl = min(r.ttl, ttl)
		return r.read(p, a.kind)
	}
	return p.SkipAnswer()
}

// lifetime is a time to live; one with the highest bit set is none (RFC 2181, section 8).
func lifetime(ttl uint32) time.Duration {
	if ttl > math.MaxInt32 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

func (r *reply) read(p *dnsmessage.Parser, kind dnsmessage.Type) error {
	switch kind {
	case dnsmessage.TypeA:
		a, err := p.AResource()
		r.addrs = append(r.addrs, netip.AddrFrom4(a.A))
		return err
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		r.addrs = append(r.addrs, netip.AddrFrom16(a.AAAA))
		return err
	}
	s, err := p.SRVResource()
	r.services = append(r.services, service{lowerName(s.Target), s.Port, s.Priority, s.Weight})
	return err
}

// follow goes from alias to alias to the records of the kind that was asked for.
func (a *answers) follow(name string) reply {
	if r := a.owned[name]; r != nil {
		return *r
	}
	first, ok := a.aliases[name]
	if !ok {
		return reply{}
	}
	end, ttl := first.to, first.ttl
	for range maxAliases {
		if r := a.owned[end]; r != nil {
			r.ttl = min(r.ttl, ttl)
			return *r
		}
		next, ok := a.aliases[end]
		if !ok {
			return reply{alias: end, ttl: ttl}
		}
		end, ttl = next.to, min(ttl, next.ttl)
	}
	return reply{}
}

// lowerName is a name as questions have it.
func lowerName(n dnsmessage.Name) string { return normalize(n.String()) }

// normalize is name in lower case, without the dot at its end.
func normalize(name string) string {
	name = strings.TrimSuffix(name, ".")
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
