package certverify

import "slices"

// buildChain extends the chain to a trusted certificate that has signed itself. At each step the store
// is asked first, then the presented certificates. Follows build_chain.
func (v *verification) buildChain() {
	if !v.findTrusted() && v.result == OK {
		v.report(v.incomplete())
	}
}

func (v *verification) findTrusted() bool {
	offered := slices.Clone(v.presented)
	for fromPeer := true; ; {
		switch v.extendFromStore() {
		case trusted:
			return true
		case extended:
			fromPeer = false
			continue
		}
		if !fromPeer {
			return false
		}
		fromPeer = v.extendFromPeer(&offered)
	}
}

// An extension is the result of a search in the store.
type extension int

const (
	notFound extension = iota
	extended           // the chain has another trusted certificate, which is not its end
	trusted            // the chain is complete
)

// longest is one more certificate than the depth allows above the peer's own, so that the chain is
// known to be too long.
func (v *verification) longest() int { return v.options.Depth + 1 }

func (v *verification) extendFromStore() extension {
	if len(v.chain) > v.longest() {
		return notFound
	}
	last := v.chain[len(v.chain)-1]
	issuer := v.findIssuer(v.store.certs, last)
	switch {
	case issuer == nil:
		return notFound
	case !last.selfSigned:
		v.chain = append(v.chain, issuer)
	case issuer.Equal(last.Certificate):
		v.untrusted = len(v.chain) - 1
		v.chain[v.untrusted] = issuer
	default: // a self-signed certificate with the name of a trusted one
		return notFound
	}
	if issuer.selfSigned {
		return trusted
	}
	return extended
}

// extendFromPeer adds an issuer from those that the peer offers, and takes it from them. It reports
// whether there was one.
func (v *verification) extendFromPeer(offered *[]*certificate) bool {
	last := v.chain[len(v.chain)-1]
	if last.selfSigned || len(v.chain) > v.longest() {
		return false
	}
	candidates := slices.DeleteFunc(slices.Clone(*offered), func(c *certificate) bool {
		return v.contains(c) && !(last.selfIssued && len(v.chain) == 1)
	})
	issuer := v.findIssuer(candidates, last)
	if issuer == nil {
		return false
	}
	*offered = slices.DeleteFunc(*offered, func(c *certificate) bool { return c == issuer })
	v.chain = append(v.chain, issuer)
	v.untrusted++
	return true
}

func (v *verification) contains(c *certificate) bool {
	return slices.ContainsFunc(v.chain, func(in *certificate) bool { return in.Equal(c.Certificate) })
}

// findIssuer returns the first issuer of c that is valid now, or else the one that expires last.
func (v *verification) findIssuer(from []*certificate, c *certificate) (best *certificate) {
	for _, candidate := range from {
		if !candidate.issued(c) {
			continue
		}
		if !candidate.NotBefore.After(v.options.Time) && candidate.NotAfter.After(v.options.Time) {
			return candidate
		}
		if best == nil || candidate.NotAfter.After(best.NotAfter) {
			best = candidate
		}
	}
	return best
}

// incomplete returns the reason why the chain does not end with a trusted certificate. OpenSSL reports
// a chain that is too long before these reasons, so that it is never the last error.
func (v *verification) incomplete() Code {
	last := v.chain[len(v.chain)-1]
	switch {
	case last.selfSigned && len(v.chain) == 1:
		return SelfSigned
	case last.selfSigned:
		return SelfSignedInChain
	case v.untrusted < len(v.chain):
		return NoIssuer
	}
	return NoLocalIssuer
}
