package mqtt

import "encoding/binary"

// maxHeader is the maximum length of a fixed header: the type and four bytes of remaining length,
// 2.2.3 (5.0: 2.1.4).
const maxHeader = 5

// Protocol names with their length and the protocol level that follows, 3.1.2.1 and 3.1.2.2.
const (
	nameMQTT   = "\x00\x04MQTT"
	nameMQIsdp = "\x00\x06MQIsdp"
)

// levelBridge is the bit that some brokers add to the level when they connect as a bridge. No
// standard describes it; Parse declines it, as Angie does.
const levelBridge = 0x80

// A reader reads a packet whose first bytes are b. As soon as a field is missing or invalid, its
// state changes and it reads no more: every method then returns zero and changes nothing. So a
// caller need not check the state between two fields.
//
// Invariant: a field is checked against the packet's end before it is checked against the end of b.
// A decision therefore depends only on the bytes before it, never on how many of the later bytes
// have arrived.
type reader struct {
	b     []byte
	off   int // may be beyond b after skip
	end   int // of the packet
	state State
	need  int
	// bridges accepts the levels of bridges, which have the bit levelBridge.
	bridges bool
}

// decline stops the reader permanently, even if it was waiting for bytes.
func (r *reader) decline() { r.state = Declined }

// skip skips n bytes of the packet, which need not have arrived.
func (r *reader) skip(n int) {
	if r.state != Done {
		return
	}
	if n > r.end-r.off {
		r.decline()
		return
	}
	r.off += n
}

// next returns the next n bytes, or nil if they have not arrived.
func (r *reader) next(n int) []byte {
	start := r.off
	r.skip(n)
	if r.state != Done {
		return nil
	}
	if r.off > len(r.b) {
		r.state, r.need = More, r.off
		return nil
	}
	return r.b[start:r.off:r.off]
}

// byte returns the next byte.
func (r *reader) byte() byte {
	if p := r.next(1); p != nil {
		return p[0]
	}
	return 0
}

// uint16 returns the next two bytes as a number, 1.5.2.
func (r *reader) uint16() int {
	if p := r.next(2); p != nil {
		return int(binary.BigEndian.Uint16(p))
	}
	return 0
}

// field returns the next string or binary data, which follows its length, 1.5.3 (5.0: 1.5.4,
// 1.5.6). It is not nil if it has arrived, even if empty.
func (r *reader) field() []byte { return r.next(r.uint16()) }

// properties skips a property list, 5.0, 2.2.2.
func (r *reader) properties() {
	if n, ok := r.varint(); ok {
		r.skip(n)
	}
}

// varint returns the next variable byte integer, 1.5.5 of 5.0. It has at most four bytes; a longer
// one is declined. An encoding longer than necessary is accepted, as in Angie and in brokers.
func (r *reader) varint() (int, bool) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b := r.byte()
		if r.state != Done {
			return 0, false
		}
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n, true
		}
	}
	r.decline()
	return 0, false
}

// protocol reads the protocol name and level and returns the level, without the bit of bridges, if
// they match.
func (r *reader) protocol() byte {
	name := nameMQTT
	if !r.couldBe(nameMQTT) {
		name = nameMQIsdp
	}
	if !r.couldBe(name) {
		r.decline()
	}
	r.next(len(name))
	level := r.byte()
	if r.bridges {
		level &^= levelBridge
	}
	if r.state == Done && !isLevel(name, level) {
		r.decline()
	}
	return level
}

// isLevel reports whether level is valid for a protocol name.
func isLevel(name string, level byte) bool {
	if name == nameMQIsdp {
		return level == 3
	}
	return level == 4 || level == 5
}

// couldBe reports whether s may come next in the packet: the bytes that have arrived match it, and
// the packet has room for it.
func (r *reader) couldBe(s string) bool {
	if r.state != Done {
		return true
	}
	have := min(len(r.b)-r.off, len(s))
	return len(s) <= r.end-r.off && string(r.b[r.off:r.off+have]) == s[:have]
}
