package stream

// leases are the leases that a session releases when it ends. Most sessions have one.
type leases struct {
	first Lease
	more  *[]Lease
}

func (l *leases) push(x Lease) {
	if l.first == nil {
		l.first = x
		return
	}
	if l.more == nil {
		second := new(struct {
			list []Lease
			room [1]Lease
		})
		second.list = second.room[:0]
		l.more = &second.list
	}
	*l.more = append(*l.more, x)
}

// pop removes and returns the last lease, or nil.
func (l *leases) pop() Lease {
	if l.more != nil && len(*l.more) > 0 {
		last := len(*l.more) - 1
		x := (*l.more)[last]
		*l.more = (*l.more)[:last]
		return x
	}
	x := l.first
	l.first = nil
	return x
}

// any reports whether there is a lease.
func (l *leases) any() bool { return l.first != nil }
