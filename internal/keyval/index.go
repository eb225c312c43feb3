package keyval

import (
	"iter"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
)

// An index finds pairs. It is immutable, except for its owner while it is built.
type index interface {
	valid(key string) bool
	exact(key string) *pair            // nil for none
	search(key string, c *clock) *pair // the pair that matches and has not expired; nil for none
	with(p pair, owned bool) index     // with p, which replaces a pair of the same key; owned allows to change the index itself
	without(key string) index          // without the pair of a key that it has
	all() iter.Seq[*pair]              // in the order of the keys
}

func newIndex(t Type) index {
	switch t {
	case IP:
		return &networks{}
	case Prefix:
		return prefixes{}
	}
	return texts{}
}

// texts is the index of type String.
type texts struct{ tree }

func (t texts) search(key string, c *clock) *pair {
	p := t.exact(key)
	if p == nil || p.expired(c) {
		return nil
	}
	return p
}

func (t texts) with(p pair, owned bool) index { return texts{tree{t.root.with(p, owned)}} }

func (t texts) without(key string) index { return texts{tree{t.root.without(key)}} }

// prefixes is the index of type Prefix.
type prefixes struct{ tree }

func (t prefixes) search(key string, c *clock) *pair { return t.longest(key, c) }

func (t prefixes) with(p pair, owned bool) index { return prefixes{tree{t.root.with(p, owned)}} }

func (t prefixes) without(key string) index { return prefixes{tree{t.root.without(key)}} }

// networks is the index of type IP.
type networks struct{ table bart.Table[*pair] }

func (n *networks) valid(key string) bool {
	_, ok := parseNetwork(key)
	return ok
}

func (n *networks) exact(key string) *pair {
	network, ok := parseNetwork(key)
	if !ok {
		return nil
	}
	p, _ := n.table.Get(network)
	return p
}

// search looks at wider networks only if the smallest one has expired.
func (n *networks) search(key string, c *clock) *pair {
	network, ok := parseNetwork(key)
	if !ok {
		return nil
	}
	p := n.smallest(network)
	if p == nil || !p.expired(c) {
		return p
	}
	for _, wider := range n.table.Supernets(network) {
		if !wider.expired(c) {
			return wider
		}
	}
	return nil
}

func (n *networks) smallest(network netip.Prefix) *pair {
	if network.IsSingleIP() {
		p, _ := n.table.Lookup(network.Addr())
		return p
	}
	p, _ := n.table.LookupPrefix(network)
	return p
}

func (n *networks) with(p pair, owned bool) index {
	network, ok := parseNetwork(p.key)
	if !ok {
		panic("keyval: the key was not checked")
	}
	if owned {
		n.table.Insert(network, &p)
		return n
	}
	return &networks{*n.table.InsertPersist(network, &p)}
}

func (n *networks) without(key string) index {
	network, _ := parseNetwork(key)
	return &networks{*n.table.DeletePersist(network)}
}

func (n *networks) all() iter.Seq[*pair] {
	return func(yield func(*pair) bool) {
		for _, p := range n.table.AllSorted() {
			if !yield(p) {
				return
			}
		}
	}
}

// longestNetwork is the length of the longest text of a network:
// "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128".
const longestNetwork = 49

// parseNetwork reads an address or a network in CIDR notation; the address of a network may be any of
// its addresses. An IPv4-mapped IPv6 address counts as IPv4. It allocates nothing.
func parseNetwork(text string) (netip.Prefix, bool) {
	if len(text) > longestNetwork || !isNetworkText(text) {
		return netip.Prefix{}, false
	}
	address, length, hasLength := strings.Cut(text, "/")
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}, false
	}
	bits := ip.BitLen()
	if hasLength {
		if bits = parseLength(length); bits < 0 || bits > ip.BitLen() {
			return netip.Prefix{}, false
		}
	}
	if ip.Is4In6() && bits >= 96 {
		ip, bits = ip.Unmap(), bits-96
	}
	network, err := ip.Prefix(bits)
	return network, err == nil
}

// isNetworkText reports whether text has only bytes of addresses, a dot or a colon among them. Other
// keys would make an error value.
func isNetworkText(text string) bool {
	separated := false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.' || c == ':':
			separated = true
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F', c == '/':
		default:
			return false
		}
	}
	return separated
}

// parseLength reads the length of a network, one to three digits; -1 for others.
func parseLength(text string) int {
	if text == "" || len(text) > 3 {
		return -1
	}
	n := 0
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
