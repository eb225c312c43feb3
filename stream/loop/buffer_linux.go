package loop

// pooledBuffers is how many large buffers a loop keeps for sides that are blocked.
const pooledBuffers = 64

// smallBuffer is what is not worth a pool.
const smallBuffer = 4 << 10

// getBuffer returns an empty buffer for n bytes: a large one from the pool, or one made to measure.
func (l *loop) getBuffer(n int) []byte {
	if n <= smallBuffer {
		return make([]byte, 0, n)
	}
	if k := len(l.buffers); k > 0 {
		b := l.buffers[k-1]
		l.buffers = l.buffers[:k-1]
		return b
	}
	return make([]byte, 0, max(n, bufferSize))
}

// putBuffer takes a buffer back; b may be its end only, and then it is let go.
func (l *loop) putBuffer(b []byte) {
	if cap(b) == bufferSize && len(l.buffers) < pooledBuffers {
		l.buffers = append(l.buffers, b[:0])
	}
}
