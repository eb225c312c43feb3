package resolver

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxTargets is how many SRV records of an answer are followed.
	maxTargets = 1024
	// MaxAddresses is how many addresses of one name, or instances of one service, are taken.
	MaxAddresses = 4096
	// targetsAtOnce is how many of them are asked for at the same time.
	targetsAtOnce = 32
)

// A Service is what SRV records say of a service.
type Service struct {
	Instances []Instance    // by priority, in the order of the answer
	Failed    []TargetError // targets without an address
	Until     time.Time     // when to ask again
}

// An Instance is one address of a service.
type Instance struct {
	Target   string // the name that the SRV record gives
	Addr     netip.AddrPort
	Priority uint16
	Weight   uint16
}

// A TargetError says why the target of an SRV record has no address.
type TargetError struct {
	Target string
	Err    Error
}

// ServiceName is the name of the SRV records of a service of host: "mqtt" is asked for as _mqtt._tcp, and a service with a dot as it is.
func ServiceName(service, host string) string {
	if strings.Contains(service, ".") {
		return service + "." + host
	}
	return "_" + service + "._tcp." + host
}

// LookupService returns the addresses of a service of host, and waits for them as long as ctx lasts. The error is an Error; Failed and
// Until are there with it.
func (r *Resolver) LookupService(ctx context.Context, service, host string) (Service, error) {
	nothing := Service{Until: r.until(forNothing)}
	if len(r.options.Servers) == 0 {
		<-ctx.Done()
		return nothing, TimedOut
	}
	records, ttl, err := r.records(ctx, normalize(ServiceName(service, host)))
	if err != nil {
		return nothing, err
	}
	slices.SortStableFunc(records, func(a, b record) int { return int(a.priority) - int(b.priority) })
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
	service
	answer Answer
	err    error
}

// records asks for SRV records, following aliases.
func (r *Resolver) records(ctx context.Context, name string) ([]record, time.Duration, error) {
	for range maxAliases {
		replies, err := r.exchange(ctx, name, []dnsmessage.Type{dnsmessage.TypeSRV})
		if err != nil {
			return nil, 0, err
		}
		got := &replies[0]
		if len(got.services) > 0 && got.code == 0 {
			var all []record
			for _, s := range got.services[:min(len(got.services), maxTargets)] {
				all = append(all, record{service: s})
			}
			return all, got.ttl, nil
		}
		if got.code != 0 || got.alias == "" {
			return nil, 0, got.failure()
		}
		name = got.alias
	}
	return nil, 0, HostNotFound
}

// resolveTargets looks the targets up, some at a time.
func (r *Resolver) resolveTargets(ctx context.Context, records []record) {
	var all sync.WaitGroup
	places := make(chan struct{}, targetsAtOnce)
	for i := range records {
		places <- struct{}{}
		all.Go(func() {
			records[i].answer, records[i].err = r.Lookup(ctx, records[i].target)
			<-places
		})
	}
	all.Wait()
}

// add adds what was found out about a record. Those that come when there are enough instances are left out.
func (s *Service) add(r *record) {
	if len(s.Instances) >= MaxAddresses {
		return
	}
	if r.err != nil {
		s.Failed = append(s.Failed, TargetError{r.target, r.err.(Error)})
		return
	}
	if r.answer.Until.Before(s.Until) {
		s.Until = r.answer.Until
	}
	for _, ip := range r.answer.Addrs {
		s.Instances = append(s.Instances, Instance{r.target, netip.AddrPortFrom(ip, r.port), r.priority, r.weight})
	}
}

// failure is the error when no target has an address: as in ngx_resolver_report_srv, one that does not exist decides.
func (s *Service) failure() Error {
	for _, f := range s.Failed {
		if f.Err == HostNotFound {
			return HostNotFound
		}
	}
	return s.Failed[0].Err
}
