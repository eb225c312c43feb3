// Package mqtt decodes the CONNECT packet with which an MQTT client begins, from as many of its bytes as have arrived.
//
// It knows MQTT 3.1, 3.1.1 and 5.0, and only as much of the packet as tells who the client is. Sections named in comments are
// those of the OASIS standards; 3.1.1 and 5.0 number them alike.
package mqtt

// State says what is known of a packet.
type State uint8

// The states. Declined and Done are final: more bytes never change them, nor what was found.
const (
	More     State = iota // the bytes so far may be the beginning of a CONNECT; the rest has to be read
	Done                  // client identifier and, where the packet has one, user name are known
	Declined              // these bytes do not begin a CONNECT that can be understood
)

// Connect is what Parse found. Its slices are parts of the bytes given to Parse, which it does not keep or change.
type Connect struct {
	State     State
	Version   byte   // 3 (MQTT 3.1), 4 (3.1.1) or 5; 0 as long as it is not known
	KeepAlive uint16 // seconds
	// HasClientID is set as soon as the client identifier is complete, even while State is More because the user name is
	// further on. An empty identifier is one, too.
	HasClientID bool
	HasUsername bool
	ClientID    []byte // raw, of any length and content
	Username    []byte // likewise
	// Need is, while State is More, how many bytes from the start of the packet it takes at least to be Done. It is always more
	// than there were, and may grow with them. As a will stands before the user name, it tells early that a user name is out
	// of the reach of a buffer.
	Need int
	// Size is the length of the whole packet with its fixed header; 0 as long as it is not known.
	Size int
}

// Flags of the connect flags byte, 3.1.2.3.
const (
	flagReserved = 0x01
	flagWill     = 0x04
	flagUsername = 0x80
)

// Parse decodes a CONNECT from b, which holds the first bytes that a client sent; what follows the packet is ignored. It may
// be called again and again as bytes arrive, allocates nothing, and costs the same wherever the packet was cut.
//
// It finishes at the client identifier when the packet has no user name, and else at the user name; password, and what the
// fields mean, are the broker's to judge. Every field is held against the packet's remaining length: what reaches beyond it is
// Declined, and then nothing that was found before counts. Bytes that cannot become a CONNECT are Declined at the first that
// shows it.
//
// This follows Angie's ngx_stream_mqtt_preread_module, but that one waits for 14 bytes of anything and for the whole packet,
// does not know MQTT 3.1, and lets fields reach beyond the packet.
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

// fixedHeader reads the packet type and the remaining length, 3.1.1, and bounds everything that follows.
func (r *reader) fixedHeader(c *Connect) {
	// Type 1 with flags 0; other flags are reserved, and Angie declines them, too.
	if first := r.next(1); first != nil && first[0] != 0x10 {
		r.decline()
	}
	length, ok := r.varint()
	if !ok {
		return
	}
	r.end = r.off + length
	c.Size = r.end
}

// variableHeader reads 3.1.2 from the protocol name to the properties, and returns the connect flags.
func (r *reader) variableHeader(c *Connect) byte {
	version := r.protocol()
	flags := r.byte()
	keepAlive := r.uint16()
	// Zero is required of the reserved flag, 3.1.2.3. MQTT 3.1 leaves it unused, and no client sets it.
	if flags&flagReserved != 0 {
		r.decline()
	}
	if version == 5 {
		r.properties()
	}
	c.Version, c.KeepAlive = version, uint16(keepAlive)
	return flags
}

// payload reads 3.1.3 up to the user name. A will stands before it and is passed over without its bytes having to be there.
func (r *reader) payload(c *Connect, flags byte) {
	if id := r.field(); r.state == Done {
		c.ClientID, c.HasClientID = id, true
	}
	if flags&flagUsername == 0 {
		return
	}
	if flags&flagWill != 0 {
		if c.Version == 5 {
			r.properties() // 5.0, 3.1.3.2
		}
		r.skip(r.uint16()) // topic
		r.skip(r.uint16()) // message
	}
	// In MQTT 3.1 the remaining length takes precedence over the flag: the user name may be missing, and that is valid.
	if c.Version == 3 && r.state == Done && r.off == r.end {
		return
	}
	if name := r.field(); r.state == Done {
		c.Username, c.HasUsername = name, true
	}
}
