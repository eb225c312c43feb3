package epoll

import "math/bits"

// backlog is data that a side's socket did not accept.
type backlog struct {
	data []byte // the unsent part of room
	room []byte
}

const (
	// smallBacklog is the largest backlog that does not use the pool.
	smallBacklog = 4 << 10
	// pooledBytes is the most memory that a loop's pool keeps for blocked sides.
	pooledBytes = 4 << 20
	// smallestClass and largestClass are the binary logarithms of the pooled sizes, 8 to 64 KiB.
	smallestClass, largestClass = 13, 16
)

// backlogPool keeps unused backlogs, by the binary logarithm of their size.
type backlogPool struct {
	classes [largestClass + 1 - smallestClass][]*backlog
	bytes   int
}

// keep copies the data that the side's socket did not accept.
func (h *half) keep(b []byte) {
	h.pending = h.c.l.backlogs.get(len(b))
	h.pending.data = append(h.pending.room[:0], b...)
}

// dropPending releases the data that waits for the side.
func (h *half) dropPending() {
	if h.pending != nil {
		h.c.l.backlogs.put(h.pending)
		h.pending = nil
	}
}

// get returns a backlog with room for at least n and less than 2n bytes, from the pool or newly
// allocated.
func (p *backlogPool) get(n int) *backlog {
	class := bits.Len(uint(n - 1))
	if n <= smallBacklog || class > largestClass {
		return &backlog{room: make([]byte, 0, n)}
	}
	list := &p.classes[class-smallestClass]
	k := len(*list)
	if k == 0 {
		return &backlog{room: make([]byte, 0, 1<<class)}
	}
	b := (*list)[k-1]
	*list = (*list)[:k-1]
	p.bytes -= 1 << class
	return b
}

// put returns b to the pool, if its size is pooled and the pool has room.
func (p *backlogPool) put(b *backlog) {
	size := cap(b.room)
	class := bits.Len(uint(size - 1))
	if size != 1<<class || class < smallestClass || class > largestClass || p.bytes+size > pooledBytes {
		return
	}
	p.bytes += size
	p.classes[class-smallestClass] = append(p.classes[class-smallestClass], b)
}
