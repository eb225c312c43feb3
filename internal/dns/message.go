// Package dns asks name servers for the records of a name, over UDP, and over TCP for answers that
// do not fit in a datagram. It reads only addresses, services and aliases. Exchange describes the
// handling of servers that do not answer.
package dns

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"weir/internal/ascii"
)

// A Kind is a kind of records.
type Kind = dnsmessage.Type

// The kinds of records that can be requested.
const (
	A    = dnsmessage.TypeA
	AAAA = dnsmessage.TypeAAAA
	SRV  = dnsmessage.TypeSRV
)

// The response codes that callers distinguish; all others are server failures.
const (
	Success       = int(dnsmessage.RCodeSuccess)
	ServerFailure = int(dnsmessage.RCodeServerFailure)
	NameError     = int(dnsmessage.RCodeNameError) // the name does not exist
)

const (
	// MaxAliases is the maximum number of CNAME records followed from a name to its addresses, as
	// NGX_RESOLVER_MAX_RECURSION.
	MaxAliases = 50
	// ednsSize is the size of UDP answers that a question with EDNS0 allows, as RESOLV_EDNS_BUFFER_SIZE of the C library.
	ednsSize = 1200
)

// errNotTheAnswer reports a message that does not answer the question. Any host may have sent it,
// so it is ignored.
var errNotTheAnswer = errors.New("response does not match the query")

// A question is the content of one query message.
type question struct {
	id   uint16
	name string // in lower case, without the trailing dot
	kind Kind
}

// pack returns the question as a message. It fails if name is not a valid DNS name.
func (q question) pack(edns bool) ([]byte, error) {
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}},
	}
	if edns {
		var head dnsmessage.ResourceHeader
		if err := head.SetEDNS0(ednsSize, dnsmessage.RCodeSuccess, false); err != nil {
			return nil, err
		}
		m.Additionals = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.OPTResource{}}}
	}
	return m.Pack()
}

// A Reply is the answer to one question.
type Reply struct {
	Answered bool // false if no server answered in time; the other fields are then zero
	Code     int  // the response code
	Addrs    []netip.Addr
	Services []Service
	Alias    string        // the last alias, if the answer has aliases but no record of the requested kind; else empty
	TTL      time.Duration // the least TTL of the records that lead to the answer

	truncated bool
	lame      bool // empty, from a server that neither knows the name nor recurses
}

// failed reports whether another server may have a better answer.
func (r *Reply) failed() bool {
	return r.lame || r.Code != Success && r.Code != NameError
}

// Useful reports whether the reply has records of the requested kind.
func (r *Reply) Useful() bool { return len(r.Addrs) > 0 || len(r.Services) > 0 }

// A Service is one SRV record.
type Service struct {
	Target                 string
	Port, Priority, Weight uint16
}

// parse reads the message that answers q. It returns an error if the message is not an answer to q.
func (q question) parse(message []byte) (Reply, error) {
	var p dnsmessage.Parser
	head, err := p.Start(message)
	if err != nil || !head.Response || head.ID != q.id {
		return Reply{}, errNotTheAnswer
	}
	asked, err := p.Question()
	if errors.Is(err, dnsmessage.ErrSectionDone) && head.RCode != dnsmessage.RCodeSuccess {
		return Reply{Answered: true, Code: int(head.RCode)}, nil // some servers do not repeat a question that they do not understand
	}
	if err != nil || lowerName(asked.Name) != q.name || asked.Type != q.kind || asked.Class != dnsmessage.ClassINET {
		return Reply{}, errNotTheAnswer
	}
	if err := p.SkipAllQuestions(); err != nil {
		return Reply{}, errNotTheAnswer
	}
	if head.Truncated {
		return Reply{Answered: true, Code: int(head.RCode), truncated: true}, nil
	}
	if head.RCode != dnsmessage.RCodeSuccess {
		return Reply{Answered: true, Code: int(head.RCode)}, nil
	}
	a := answers{kind: q.kind, aliases: map[string]alias{}, owned: map[string]*Reply{}}
	if err := a.readAll(&p); err != nil {
		return Reply{}, errNotTheAnswer
	}
	found := a.follow(q.name)
	found.Answered = true
	found.lame = a.records == 0 && !head.Authoritative && !head.RecursionAvailable
	return found, nil
}

// answers are the records of a message, by the name that owns them.
type answers struct {
	kind    dnsmessage.Type
	records int
	aliases map[string]alias
	owned   map[string]*Reply
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
		a.records++
		if err := a.read(p, head); err != nil {
			return err
		}
	}
}

// read reads one record if it is an alias or of the requested kind.
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
			r = &Reply{TTL: ttl}
			a.owned[owner] = r
		}
		r.TTL = min(r.TTL, ttl)
		return r.read(p, a.kind)
	}
	return p.SkipAnswer()
}

// lifetime returns a TTL; one with the highest bit set is 0 (RFC 2181, section 8).
func lifetime(ttl uint32) time.Duration {
	if ttl > math.MaxInt32 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

func (r *Reply) read(p *dnsmessage.Parser, kind Kind) error {
	switch kind {
	case dnsmessage.TypeA:
		a, err := p.AResource()
		r.Addrs = append(r.Addrs, netip.AddrFrom4(a.A))
		return err
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		r.Addrs = append(r.Addrs, netip.AddrFrom16(a.AAAA))
		return err
	}
	s, err := p.SRVResource()
	r.Services = append(r.Services, Service{lowerName(s.Target), s.Port, s.Priority, s.Weight})
	return err
}

// follow follows the aliases to the records of the requested kind. A name that occurs twice in the
// chain has no records.
func (a *answers) follow(name string) Reply {
	if r := a.owned[name]; r != nil {
		return *r
	}
	first, ok := a.aliases[name]
	if !ok {
		return Reply{}
	}
	end, ttl := first.to, first.ttl
	for range MaxAliases {
		if r := a.owned[end]; r != nil {
			r.TTL = min(r.TTL, ttl)
			return *r
		}
		next, ok := a.aliases[end]
		if !ok {
			return Reply{Alias: end, TTL: ttl}
		}
		end, ttl = next.to, min(ttl, next.ttl)
	}
	return Reply{}
}

// lowerName returns a name in the form used in questions.
func lowerName(n dnsmessage.Name) string { return Normalize(n.String()) }

// Normalize returns name in lower case, without the trailing dot.
func Normalize(name string) string { return ascii.ToLower(strings.TrimSuffix(name, ".")) }
