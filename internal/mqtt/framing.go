package mqtt

// A Framing follows the packets that a broker sends to a client, from the first byte on, to know where one
// packet ends and the next begins. It keeps no data. The zero Framing is before the first packet.
type Framing struct {
	left     uint32 // what is left of the packet whose length is known
	shift    uint8  // how many bits of its length are known
	at       place
	connack  bool // the current packet is a CONNACK
	accepted bool // a CONNACK has accepted the client
}

// A place is what the next byte is.
type place uint8

const (
	atType   place = iota
	atLength       // a byte of the remaining length
	atFlags        // of a CONNACK
	atCode         // of a CONNACK
	atBody
	atUnknown // the bytes are not packets, or some were not seen
)

// Follow follows b, the next bytes of the broker.
func (f *Framing) Follow(b []byte) {
	for len(b) > 0 {
		switch f.at {
		case atUnknown:
			return
		case atBody:
			n := min(len(b), int(f.left))
			f.pass(n)
			b = b[n:]
		default:
			f.next(b[0])
			b = b[1:]
		}
	}
}

// Skip follows n bytes of the broker that are not at hand. They are known to be in the current packet only
// if it is long enough.
func (f *Framing) Skip(n int) {
	if f.at != atBody || n > int(f.left) {
		f.at = atUnknown
		return
	}
	f.pass(n)
}

// Between reports whether all packets are complete and the broker has accepted the client: only then may a
// DISCONNECT follow, 5.0, 3.14.
func (f *Framing) Between() bool { return f.at == atType && f.accepted }

// next follows a byte outside the body of a packet.
func (f *Framing) next(c byte) {
	switch f.at {
	case atType:
		f.connack = c == typeConnack
		f.left, f.shift, f.at = 0, 0, atLength
	case atLength:
		f.length(c)
	case atFlags:
		f.pass(1)
		f.at = atCode
	case atCode:
		f.accepted = f.accepted || c < 0x80
		f.pass(1)
	}
}

// length follows a byte of the remaining length, which has at most four.
func (f *Framing) length(c byte) {
	f.left |= uint32(c&0x7f) << f.shift
	f.shift += 7
	switch {
	case c < 0x80:
		f.begin()
	case f.shift == 28:
		f.at = atUnknown
	}
}

// begin begins the body of a packet.
func (f *Framing) begin() {
	switch {
	case f.connack && f.left < 2:
		f.at = atUnknown
	case f.connack:
		f.at = atFlags
	default:
		f.pass(0)
	}
}

// pass follows n bytes of the body.
func (f *Framing) pass(n int) {
	f.at = atBody
	if f.left -= uint32(n); f.left == 0 {
		f.at = atType
	}
}
