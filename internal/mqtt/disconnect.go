package mqtt

import "encoding/binary"

// A Reason is the reason code of a DISCONNECT that a broker sends, 5.0, 3.14.2.1.
type Reason byte

// The reasons for which an operator ends sessions.
const (
	ServerShuttingDown Reason = 0x8b
	UseAnotherServer   Reason = 0x9c // for the time being
	ServerMoved        Reason = 0x9d // for good
)

// typeDisconnect is the first byte of a DISCONNECT: type 14, flags 0.
const typeDisconnect = 0xe0

// Disconnect is the DISCONNECT of a client that leaves, 3.14.
const Disconnect = "\xe0\x00"

// serverReference is the identifier of a property, 5.0, 3.14.2.2.5.
const serverReference = 0x1c

// MaxReference is the length of the longest reference of AppendDisconnect.
const MaxReference = 255

// AppendDisconnect appends a DISCONNECT of MQTT 5.0. reference, of at most MaxReference bytes, is the other
// server for the client; an empty one is left out.
func AppendDisconnect(dst []byte, why Reason, reference string) []byte {
	if reference == "" {
		return append(dst, typeDisconnect, 2, byte(why), 0)
	}
	properties := 3 + len(reference)
	dst = append(dst, typeDisconnect)
	dst = binary.AppendUvarint(dst, uint64(1+varintSize(properties)+properties))
	dst = append(dst, byte(why))
	dst = append(binary.AppendUvarint(dst, uint64(properties)), serverReference)
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(reference))), reference...)
}

// The properties of a CONNECT, 5.0, 3.1.2.11.
const (
	sessionExpiry       = 0x11
	authMethod          = 0x15
	authData            = 0x16
	requestProblem      = 0x17
	requestResponse     = 0x19
	receiveMaximum      = 0x21
	topicAliasMaximum   = 0x22
	userProperty        = 0x26
	maximumPacketSize   = 0x27
	unlimitedPacketSize = MaxSize
)

// PacketLimit returns the length of the longest packet that the client of a CONNECT accepts, 5.0, 3.1.2.11.4.
// b begins with the CONNECT. Where the packet has no limit, or its properties cannot be read, it returns the
// longest possible length.
func PacketLimit(b []byte) int {
	r := reader{b: b, end: maxHeader, state: Done}
	var c Connect
	r.fixedHeader(&c)
	version := r.protocol()
	r.next(3) // the flags and the keep alive
	size, ok := r.varint()
	if version != 5 || !ok || size > r.end-r.off {
		return unlimitedPacketSize
	}
	r.end = r.off + size
	return r.packetLimit()
}

// packetLimit reads the properties of a CONNECT up to the end.
func (r *reader) packetLimit() int {
	for r.state == Done && r.off < r.end {
		switch r.byte() {
		case maximumPacketSize:
			if p := r.next(4); p != nil {
				return int(binary.BigEndian.Uint32(p))
			}
		case sessionExpiry:
			r.next(4)
		case receiveMaximum, topicAliasMaximum:
			r.next(2)
		case requestProblem, requestResponse:
			r.next(1)
		case authMethod, authData:
			r.field()
		case userProperty:
			r.field()
			r.field()
		default:
			r.decline()
		}
	}
	return unlimitedPacketSize
}
