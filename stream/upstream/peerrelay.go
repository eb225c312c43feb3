package upstream

import "weir/internal/relay"

// peerRelay is the Spec of the sessions of one server block with one peer.
type peerRelay struct {
	base *relay.Spec
	spec relay.Spec
	next *peerRelay
}

// Traffic returns the counters of the bytes exchanged with the peer, or nil if its group has no zone.
func (p *Peer) Traffic() *relay.Counters {
	if p.state.zoned == nil {
		return nil
	}
	return p.state.zoned.traffic
}

// Relay returns spec with the counters of the peer and, if drop is set, with its flag Left. The
// sessions of a server block, which all pass the same arguments, share the result.
func (p *Peer) Relay(spec *relay.Spec, drop bool) *relay.Spec {
	if p.state.zoned == nil && !drop {
		return spec
	}
	for {
		first := p.relays.Load()
		for r := first; r != nil; r = r.next {
			if r.base == spec {
				return &r.spec
			}
		}
		r := &peerRelay{base: spec, spec: *spec, next: first}
		r.spec.Peer = p.Traffic()
		if drop {
			r.spec.Left = p.Left()
		}
		p.relays.CompareAndSwap(first, r)
	}
}
