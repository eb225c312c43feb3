package mqtt

// A Connack is the answer of a broker to a CONNECT, as far as ParseConnack reads it. All fields but
// State are zero until State is Done.
type Connack struct {
	State          State
	SessionPresent bool // the broker has kept a session of the client; false in MQTT 3.1
	// Code is a return code of MQTT 3.1 and 3.1.1, 0 to 5, or a reason code of 5.0, 0 or at least
	// 0x80. 0 accepts the client in all versions.
	Code byte
}

// typeConnack is the first byte of a CONNACK: type 2, flags 0.
const typeConnack = 0x20

// MaxConnack is the maximum number of bytes that ParseConnack reads: up to the code.
const MaxConnack = maxHeader + 2

// ParseConnack decodes a CONNACK from b, the first bytes that a broker sent. It may be called
// repeatedly as bytes arrive, allocates nothing, and is Done at the code. Properties, 5.0,
// 3.2.2.3, are not examined.
//
// The version of the client is not needed: a broker may refuse a version that it does not support
// with a packet of another one, and the errors of 5.0 have other codes than those before it.
//
// Bytes that cannot become a CONNACK are Declined at the first byte that shows it. An AUTH of an
// extended authentication, 5.0, 4.12, is Declined as well: its CONNACK follows later.
func ParseConnack(b []byte) Connack {
	r := reader{b: b, end: maxHeader, state: Done}
	if r.byte() != typeConnack && r.state == Done {
		r.decline()
	}
	length, ok := r.varint()
	if ok {
		r.end = r.off + length
	}
	flags := r.byte()
	// The other bits are reserved, 3.2.2.1; in MQTT 3.1 all of them are.
	if flags&^1 != 0 {
		r.decline()
	}
	code := r.byte()
	if r.state == Done && !isCode(code) {
		r.decline()
	}
	if r.state != Done {
		return Connack{State: r.state}
	}
	return Connack{Done, flags == 1, code}
}

// isCode reports whether code may be in a CONNACK: at most 5 before MQTT 5.0, 3.2.2.3; 0 or an error
// in 5.0, 3.2.2.2.
func isCode(code byte) bool { return code <= 5 || code >= 0x80 }

// Accepted reports whether the broker has accepted the client.
func (c Connack) Accepted() bool { return c.State == Done && c.Code == 0 }
