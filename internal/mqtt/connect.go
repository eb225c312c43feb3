// Package mqtt decodes and rewrites the CONNECT packet that an MQTT client sends first, and decodes
// the CONNACK packet that answers it, from the bytes received so far.
//
// It supports MQTT 3.1, 3.1.1 and 5.0. Parse reads only the part of the packet that identifies the
// client; Split reads all of it, for an Edit. Section numbers in comments refer to the OASIS
// standards; 3.1.1 and 5.0 use the same numbers.
package mqtt

// State is the progress of parsing a packet.
type State uint8

// The states. Declined and Done are final: more bytes change neither the state nor the fields.
const (
	More     State = iota // the bytes may be the beginning of a CONNECT; more are needed
	Done                  // the client identifier and, if the packet has one, the user name are known
	Declined              // the bytes are not the beginning of a CONNECT that this package can parse
)

// Connect is the result of Parse. Its slices are parts of the bytes given to Parse, which it
// neither keeps nor changes.
type Connect struct {
	State     State
	Version   byte   // 3 (MQTT 3.1), 4 (3.1.1) or 5; 0 while unknown
	KeepAlive uint16 // seconds
	// HasClientID is set as soon as the client identifier is complete, even while State is More
	// because the user name has not arrived. An empty identifier counts too.
	HasClientID bool
	HasUsername bool
	ClientID    []byte // raw, of any length and content
	Username    []byte // raw, of any length and content
	// Need is, while State is More, the minimum number of bytes from the start of the packet to be
	// Done. It is always larger than the number received, and may grow with it. A will comes before
	// the user name, so Need shows early whether a user name is out of reach of a buffer.
	Need int
	// Size is the length of the whole packet with its fixed header; 0 while unknown.
	Size int
}

// typeConnect is the first byte of a CONNECT: type 1, flags 0.
const typeConnect = 0x10

// The bits of the connect flags byte, 3.1.2.3.
const (
	flagReserved = 0x01
	flagWill     = 0x04
	flagPassword = 0x40
	flagUsername = 0x80
)

// Parse decodes a CONNECT from b, the first bytes that a client sent; bytes after the packet are
// ignored. It may be called repeatedly as bytes arrive, allocates nothing, and its cost does not
// depend on where the packet was cut.
//
// It finishes at the client identifier if the packet has no user name, and otherwise at the user
// name; the password and the meaning of the fields are left to the broker. Every field is checked
// against the packet's remaining length: a field that exceeds it gives Declined, and then the
// fields found before are invalid. Bytes that cannot become a CONNECT are Declined at the first
// byte that shows it.
//
// This follows Angie's ngx_stream_mqtt_preread_module, except that Angie always waits for 14 bytes
// and for the whole packet, does not support MQTT 3.1, and accepts fields that exceed the packet.
func Parse(b []byte) Connect {
	r := reader{b: b, end: maxHeader, state: Done}
	var c Connect
	r.fixedHeader(&c)
	flags := r.variableHeader(&c)
	r.payload(&c, flags)
	switch c.State = r.state; c.State {
	case Declined:
		return Connect{State: Declined}
	case More:
		c.Need = r.need
	}
	return c
}

// fixedHeader reads the packet type and the remaining length, 3.1.1, which limits all later fields.
func (r *reader) fixedHeader(c *Connect) {
	// Other flags are reserved, and Angie declines them too.
	if first := r.next(1); first != nil && first[0] != typeConnect {
		r.decline()
	}
	length, ok := r.varint()
	if !ok {
		return
	}
	r.end = r.off + length
	c.Size = r.end
}

// variableHeader reads 3.1.2, from the protocol name to the properties, and returns the connect
// flags.
func (r *reader) variableHeader(c *Connect) byte {
	version := r.protocol()
	flags := r.byte()
	keepAlive := r.uint16()
	// The reserved flag must be zero, 3.1.2.3. MQTT 3.1 leaves it unused, and no client sets it.
	if flags&flagReserved != 0 {
		r.decline()
	}
	if version == 5 {
		r.properties()
	}
	c.Version, c.KeepAlive = version, uint16(keepAlive)
	return flags
}

// payload reads 3.1.3 up to the user name. A will before it is skipped; its bytes need not have
// arrived.
func (r *reader) payload(c *Connect, flags byte) {
	if id := r.field(); r.state == Done {
		c.ClientID, c.HasClientID = id, true
	}
	if flags&flagUsername == 0 {
		return
	}
	r.will(c.Version, flags)
	c.Username = r.optional(c.Version)
	c.HasUsername = c.Username != nil
}

// will skips the will, if there is one; its bytes need not have arrived.
func (r *reader) will(version, flags byte) {
	if flags&flagWill == 0 {
		return
	}
	if version == 5 {
		r.properties() // 5.0, 3.1.3.2
	}
	r.skip(r.uint16()) // topic
	r.skip(r.uint16()) // message
}

// optional returns a user name or password whose flag is set, or nil. In MQTT 3.1 the remaining
// length takes precedence over the flag: the field may be missing, and the packet is valid.
func (r *reader) optional(version byte) []byte {
	if version == 3 && r.state == Done && r.off == r.end {
		return nil
	}
	return r.field()
}
