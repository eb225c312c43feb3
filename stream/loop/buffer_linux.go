package loop

// A backlog is what a side's socket did not take.
type backlog struct {
	data []byte // the rest of room
	room []byte
}

// pooledBacklogs is how many large backlogs a loop keeps for sides that will be blocked.
const pooledBacklogs = 64

// smallBacklog is what is not worth a pool.
const smallBacklog = 4 << 10

// keep copies what the side's socket did not take.
func (h *half) keep(b []byte) {
	h.pending = h.c.l.getBacklog(len(b))
	h.pending.data = append(h.pending.room[:0], b...)
}

// dropPending lets go of what waited for the side.
func (h *half) dropPending() {
	if h.pending != nil {
		h.c.l.putBacklog(h.pending)
		h.pending = nil
	}
}

// getBacklog returns room for n bytes: from the pool, or made to measure.
func (l *loop) getBacklog(n int) *backlog {
	if n <= smallBacklog {
		return &backlog{room: make([]byte, 0, n)}
	}
	if k := len(l.backlogs); k > 0 && n <= bufferSize {
		b := l.backlogs[k-1]
		l.backlogs = l.backlogs[:k-1]
		return b
	}
	return &backlog{room: make([]byte, 0, max(n, bufferSize))}
}

func (l *loop) putBacklog(b *backlog) {
	if cap(b.room) == bufferSize && len(l.backlogs) < pooledBacklogs {
		l.backlogs = append(l.backlogs, b)
	}
}
