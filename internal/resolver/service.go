package resolver

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/internal/dns"
)

const (
	// maxTargets is the maximum number of SRV records followed in an answer.
	maxTargets = 1024
	// MaxAddresses is the maximum number of addresses of one name, or instances of one service.
	MaxAddresses = 4096
	// targetsAtOnce is the maximum number of targets looked up concurrently.
	targetsAtOnce = 32
)

// A Service is the result of a lookup of SRV records.
type Service struct {
	Instances []Instance    // by priority, in the order of the answer
	Failed    []TargetError // targets without an address, or without one of a family that they may have
	Until     time.Time     // when to ask again
}

// An Instance is one address of a service.
type Instance struct {
	Target   string // the name in the SRV record
	Addr     netip.AddrPort
	Priority uint16
	Weight   uint16
}

// A TargetError is the reason why the target of an SRV record has no addresses of some families.
type TargetError struct {
	Target      string
	Priority    uint16
	Err         Error
	NoA, NoAAAA bool // the families whose addresses are unknown
}

// ServiceName returns the name of the SRV records of a service of host: "mqtt" becomes _mqtt._tcp,
// and a service with a dot is used unchanged.
func ServiceName(service, host string) string {
	if strings.Contains(service, ".") {
		return service + "." + host
	}
	return "_" + service + "._tcp." + host
}

// LookupService returns the addresses of a service of host, and waits for them until ctx ends. The
// error is an Error; Failed and Until are also valid with an error.
func (r *Resolver) LookupService(ctx context.Context, service, host string) (Service, error) {
	nothing := Service{Until: r.until(forNothing)}
	if len(r.options.Servers) == 0 {
		<-ctx.Done()
		return nothing, ErrTimedOut
	}
	r.options.Counters.request(srvRequest)
	records, ttl, err := r.records(ctx, dns.Normalize(ServiceName(service, host)))
	r.options.Counters.response(err)
	if err != nil {
		return nothing, err
	}
	slices.SortStableFunc(records, func(a, b record) int { return int(a.Priority) - int(b.Priority) })
	found := Service{Until: r.until(ttl)}
	r.resolveTargets(ctx, records)
	for i := range records {
		found.add(&records[i])
	}
	found.Instances = found.Instances[:min(len(found.Instances), MaxAddresses)]
	if len(found.Instances) > 0 {
		return found, nil
	}
	found.Until = nothing.Until
	return found, found.failure()
}

// A record is an SRV record with the addresses of its target.
type record struct {
	dns.Service
	answer Answer
	err    error
}

// records asks for SRV records, following aliases.
func (r *Resolver) records(ctx context.Context, name string) ([]record, time.Duration, error) {
	names := []string{name}
	for range dns.MaxAliases {
		replies, err := r.exchange(name, []dns.Kind{dns.SRV}).Do(ctx)
		if err != nil {
			return nil, 0, ErrNotFound
		}
		reply := &replies[0]
		if err := errorIn(reply); err != 0 {
			return nil, 0, err
		}
		if len(reply.Services) > 0 {
			var all []record
			for _, s := range reply.Services[:min(len(reply.Services), maxTargets)] {
				all = append(all, record{Service: s})
			}
			return all, reply.TTL, nil
		}
		if reply.Alias == "" || slices.Contains(names, reply.Alias) {
			break
		}
		name = reply.Alias
		names = append(names, name)
	}
	return nil, 0, ErrNotFound
}

// resolveTargets looks up the targets, a few at a time.
func (r *Resolver) resolveTargets(ctx context.Context, records []record) {
	var all sync.WaitGroup
	places := make(chan struct{}, targetsAtOnce)
	for i := range records {
		places <- struct{}{}
		all.Go(func() {
			records[i].answer, records[i].err = r.Lookup(ctx, records[i].Target)
			<-places
		})
	}
	all.Wait()
}

// add adds the addresses of a record. Addresses beyond MaxAddresses are omitted.
func (s *Service) add(r *record) {
	if len(s.Instances) >= MaxAddresses {
		return
	}
	if r.err != nil {
		why, _ := errors.AsType[Error](r.err)
		s.Failed = append(s.Failed, TargetError{r.Target, r.Priority, why, true, true})
		return
	}
	if why := r.answer.Incomplete(); why != 0 {
		s.Failed = append(s.Failed, TargetError{r.Target, r.Priority, why, r.answer.NoA != 0, r.answer.NoAAAA != 0})
	}
	if r.answer.Until.Before(s.Until) {
		s.Until = r.answer.Until
	}
	for _, ip := range r.answer.Addrs {
		s.Instances = append(s.Instances, Instance{r.Target, netip.AddrPortFrom(ip, r.Port), r.Priority, r.Weight})
	}
}

// failure returns the error when no target has an address: as in ngx_resolver_report_srv, a
// nonexistent one decides.
func (s *Service) failure() Error {
	for _, f := range s.Failed {
		if f.Err == ErrNotFound {
			return ErrNotFound
		}
	}
	return s.Failed[0].Err
}
