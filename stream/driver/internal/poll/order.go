package poll

// An Order visits the indexes below n in an order in which many others come between neighbours: some
// sqrt(n) at least.
type Order struct {
	passed, count uint32
	index, step   uint32
}

// NewOrder returns the order of the indexes below n.
func NewOrder(n int) Order { return Order{count: uint32(n), step: stepOf(uint32(n))} }

// stepOf returns a step that visits all of n indexes. By the golden ratio each index is far from those
// that were visited shortly before.
func stepOf(n uint32) uint32 {
	step := max(uint32(float64(n)*0.618034), 1)
	for gcd(step, n) > 1 {
		step++
	}
	return step
}

func gcd(a, b uint32) uint32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Done reports whether all indexes have been visited.
func (o *Order) Done() bool { return o.passed >= o.count }

// Index returns the index to visit.
func (o *Order) Index() uint32 { return o.index }

// Next moves to the next index.
func (o *Order) Next() {
	o.passed++
	o.index = uint32((uint64(o.index) + uint64(o.step)) % uint64(o.count))
}
