//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The packet types of MQTT that the load uses, in the high half of a packet's first byte.
const (
	typeConnect    = 1
	typePublish    = 3
	typePingReq    = 12
	typeDisconnect = 14
)

var (
	connack  = []byte{0x20, 2, 0, 0}
	pingreq  = []byte{0xC0, 0}
	pingresp = []byte{0xD0, 0}
)

var errMalformed = errors.New("malformed MQTT packet")

// appendConnect appends the CONNECT packet of MQTT 3.1.1 with the given client identifier to b.
func appendConnect(b []byte, id string) []byte {
	b = append(b, typeConnect<<4)
	b = binary.AppendUvarint(b, uint64(12+len(id))) // MQTT writes lengths as uvarints
	b = append(b, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(id)))
	return append(b, id...)
}

// topic is the topic of every PUBLISH, after its length.
const topic = "\x00\x03t/1"

// appendPublish appends a PUBLISH of quality 0 with the given payload to b.
func appendPublish(b, payload []byte) []byte {
	b = append(b, typePublish<<4)
	b = binary.AppendUvarint(b, uint64(len(topic)+len(payload)))
	b = append(b, topic...)
	return append(b, payload...)
}

// publishOf returns a PUBLISH of exactly size bytes. Not every size exists: where the length field
// grows by a byte, one is skipped.
func publishOf(size int) ([]byte, error) {
	for head := 2; head <= 5; head++ {
		n := size - head - len(topic)
		if n < 0 {
			break
		}
		if p := appendPublish(nil, bytes.Repeat([]byte{'x'}, n)); len(p) == size {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no PUBLISH is exactly %d bytes long", size)
}

// A packet is one MQTT packet within a longer buffer.
type packet struct {
	kind byte   // the packet's type
	size int    // of the whole packet; 0 if the buffer does not contain all of it yet
	body []byte // bytes after the fixed header
}

// payload returns the payload of a PUBLISH that has the load's topic.
func (p packet) payload() ([]byte, error) {
	rest, ok := bytes.CutPrefix(p.body, []byte(topic))
	if !ok {
		return nil, errMalformed
	}
	return rest, nil
}

// firstPacket returns the packet at the start of b, or one of size 0 if b is too short.
func firstPacket(b []byte) (packet, error) {
	if len(b) < 2 {
		return packet{}, nil
	}
	v, n := binary.Uvarint(b[1:min(len(b), 5)])
	if n < 0 || n == 0 && len(b) >= 5 {
		return packet{}, errMalformed
	}
	size := 1 + n + int(v)
	if n == 0 || len(b) < size {
		return packet{}, nil
	}
	return packet{kind: b[0] >> 4, size: size, body: b[1+n : size]}, nil
}

// clientID returns the client identifier in the body of a CONNECT of MQTT 3.1.1 or 5.
func clientID(body []byte) (string, error) {
	_, rest, ok := cutString(body) // the protocol's name
	if !ok || len(rest) < 4 {
		return "", errMalformed
	}
	version, rest := rest[0], rest[4:] // version, flags, keep-alive
	if version >= 5 {
		v, n := binary.Uvarint(rest)
		if n <= 0 || int(v) > len(rest)-n {
			return "", errMalformed
		}
		rest = rest[n+int(v):]
	}
	id, _, ok := cutString(rest)
	if !ok {
		return "", errMalformed
	}
	return string(id), nil
}

// cutString cuts a string with a two-byte length prefix off the start of b.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}
