package clienthello

// A place is a place in the message: a position in the bytes of the connection, and the end of the
// record that contains it. The zero place is before the first record.
type place struct{ pos, end int }

// enterRecord moves to the content of the next record, whose header must be in head.
func (at *place) enterRecord(head []byte) {
	size := int(head[at.end+3])<<8 | int(head[at.end+4])
	at.pos = at.end + recordHeader
	at.end = at.pos + size
}

// take returns the next bytes of the message, at least one and at most n, and moves after them.
// They must have been received.
func (at *place) take(head []byte, n int) []byte {
	for at.pos == at.end {
		at.enterRecord(head)
	}
	b := head[at.pos:min(at.end, at.pos+n)]
	at.pos += len(b)
	return b
}

// append appends the next n bytes of the message to dst. They must have been received.
func (at *place) append(dst, head []byte, n int) []byte {
	for n > 0 {
		b := at.take(head, n)
		dst = append(dst, b...)
		n -= len(b)
	}
	return dst
}
