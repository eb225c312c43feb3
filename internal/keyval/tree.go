package keyval

import (
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// A tree is a radix tree of pairs by the bytes of their keys. It is immutable.
type tree struct{ root *node }

// A node is a pair, or the place where several keys part, whose expires is absent. Its key is the whole
// path from the root, so that a search compares one byte at each node and the key only once.
type node struct {
	pair
	below *branch // nil for a leaf
}

// A branch has the nodes whose keys begin with that of their parent, by the byte after it.
type branch struct {
	set   [4]uint64 // the bytes that have a node
	nodes []*node   // in the order of the bytes
}

// place returns the index of byte c in nodes, and whether it has a node.
func (b *branch) place(c byte) (i int, ok bool) {
	word, bit := c>>6, uint64(1)<<(c&63)
	for w := range word {
		i += bits.OnesCount64(b.set[w])
	}
	return i + bits.OnesCount64(b.set[word]&(bit-1)), b.set[word]&bit != 0
}

// child returns the node for byte c, or nil.
func (n *node) child(c byte) *node {
	if n.below == nil {
		return nil
	}
	i, ok := n.below.place(c)
	if !ok {
		return nil
	}
	return n.below.nodes[i]
}

func (n *node) isPair() bool { return n.expires != absent }

// valid reports that any key is valid.
func (t tree) valid(string) bool { return true }

func (t tree) exact(key string) *pair {
	n := t.root
	for n != nil && len(n.key) < len(key) {
		n = n.child(key[len(n.key)])
	}
	if n == nil || n.key != key || !n.isPair() {
		return nil
	}
	return &n.pair
}

// longest returns the longest key that is a prefix of key and has not expired. The keys of all nodes on
// the way down are prefixes of the deepest one, so that one comparison with that one is enough.
func (t tree) longest(key string, c *clock) *pair {
	deepest := t.root
	for deepest != nil && len(deepest.key) < len(key) {
		next := deepest.child(key[len(deepest.key)])
		if next == nil || len(next.key) > len(key) {
			break
		}
		deepest = next
	}
	if deepest == nil {
		return nil
	}
	common := commonPrefix(deepest.key, key)
	var best *pair
	for n := t.root; n != nil && len(n.key) <= common; n = n.child(key[len(n.key)]) {
		if n.isPair() && !n.expired(c) {
			best = &n.pair
		}
		if n == deepest {
			break
		}
	}
	return best
}

// commonPrefix returns the length of the longest common prefix.
func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func (t tree) all() iter.Seq[*pair] {
	return func(yield func(*pair) bool) {
		if t.root != nil {
			t.root.each(yield)
		}
	}
}

func (n *node) each(yield func(*pair) bool) bool {
	if n.isPair() && !yield(&n.pair) {
		return false
	}
	if n.below == nil {
		return true
	}
	for _, child := range n.below.nodes {
		if !child.each(yield) {
			return false
		}
	}
	return true
}

// with returns the node with p at or below it; n may be nil. If it is owned, n itself may change.
func (n *node) with(p pair, owned bool) *node {
	if n == nil {
		return &node{pair: p}
	}
	common := commonPrefix(n.key, p.key)
	if common < len(n.key) {
		return n.parting(common, p)
	}
	m := n
	if !owned {
		m = &node{n.pair, n.below}
	}
	if common == len(p.key) {
		m.pair = p
		return m
	}
	m.below = n.below.with(p.key[common], func(old *node) *node { return old.with(p, owned) }, owned)
	return m
}

// parting returns a node above n for the first common bytes of the key, with p at or below it.
func (n *node) parting(common int, p pair) *node {
	above := &node{pair: pair{expires: absent}}
	same := func(m *node) func(*node) *node { return func(*node) *node { return m } }
	above.below = above.below.with(n.key[common], same(n), false)
	if common == len(p.key) {
		above.pair = p
		return above
	}
	above.key = strings.Clone(p.key[:common]) // so that the node does not keep a removed key in memory
	above.below = above.below.with(p.key[common], same(&node{pair: p}), false)
	return above
}

// with returns the branch with the result of change at byte c; b may be nil. change gets the node that
// is there, or nil.
func (b *branch) with(c byte, change func(*node) *node, owned bool) *branch {
	if b == nil {
		b = &branch{}
	}
	i, ok := b.place(c)
	switch {
	case ok && owned:
		b.nodes[i] = change(b.nodes[i])
		return b
	case ok:
		m := &branch{b.set, slices.Clone(b.nodes)}
		m.nodes[i] = change(m.nodes[i])
		return m
	}
	m := &branch{b.set, make([]*node, len(b.nodes)+1)}
	m.set[c>>6] |= 1 << (c & 63)
	copy(m.nodes, b.nodes[:i])
	m.nodes[i] = change(nil)
	copy(m.nodes[i+1:], b.nodes[i:])
	return m
}

// without returns the node without the pair of key, which is at or below it; nil if nothing is left.
func (n *node) without(key string) *node {
	if len(n.key) == len(key) {
		return rest(pair{key: n.key, expires: absent}, n.below)
	}
	c := key[len(n.key)]
	i, _ := n.below.place(c)
	m := &branch{set: n.below.set}
	if child := n.below.nodes[i].without(key); child != nil {
		m.nodes = slices.Clone(n.below.nodes)
		m.nodes[i] = child
		return &node{n.pair, m}
	}
	m.set[c>>6] &^= 1 << (c & 63)
	m.nodes = slices.Concat(n.below.nodes[:i], n.below.nodes[i+1:])
	return rest(n.pair, m)
}

// rest returns the node with these parts. A node without a pair and with one child is replaced by the
// child.
func rest(p pair, below *branch) *node {
	if below != nil && len(below.nodes) == 0 {
		below = nil
	}
	switch {
	case p.expires != absent:
		return &node{p, below}
	case below == nil:
		return nil
	case len(below.nodes) == 1:
		return below.nodes[0]
	}
	return &node{p, below}
}
