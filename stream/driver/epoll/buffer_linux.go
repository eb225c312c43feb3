package epoll

import "math/bits"

// A backlog is what a side's socket did not take.
type backlog struct {
	data []byte // the rest of room
	room []byte
}

const (
	// smallBacklog is what is not worth a pool.
	smallBacklog = 4 << 10
	// pooledBytes bounds the room that a loop keeps for sides that will be blocked.
	pooledBytes = 4 << 20
	// smallestClass and largestClass are the binary logarithms of the rooms that are kept: of 8 to 64 KiB.
	smallestClass, largestClass = 13, 16
)

// A backlogPool keeps backlogs that are not in use, by the binary logarithm of their room.
type backlogPool struct {
	classes [largestClass + 1 - smallestClass][]*backlog
	bytes   int
}

// keep copies what the side's socket did not take.
func (h *half) keep(b []byte) {
	h.pending = h.c.l.backlogs.get(len(b))
	h.pending.data = append(h.pending.room[:0], b...)
}

// dropPending lets go of what waited for the side.
func (h *half) dropPending() {
	if h.pending != nil {
		h.c.l.backlogs.put(h.pending)
		h.pending = nil
	}
}

// get returns room for n bytes, and for less than twice as many: from the pool, or made to measure.
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

// put takes b back, if it is of a size that is kept and there is room for it.
func (p *backlogPool) put(b *backlog) {
	size := cap(b.room)
	class := bits.Len(uint(size - 1))
	if size != 1<<class || class < smallestClass || class > largestClass || p.bytes+size > pooledBytes {
		return
	}
	p.bytes += size
	p.classes[class-smallestClass] = append(p.classes[class-smallestClass], b)
}
