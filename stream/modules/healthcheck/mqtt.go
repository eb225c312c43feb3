package healthcheck

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"weir/internal/mqtt"
	"weir/stream"
)

// An MQTT checks that a broker accepts a client: it sends CONNECT, passes on a CONNACK of success,
// and then sends DISCONNECT.
type MQTT struct{ Credentials }

// Credentials are the fields of a CONNECT. A field has at most 65535 bytes.
type Credentials struct {
	ClientID    string // empty gives each server a client identifier of its own
	User        string
	Password    string
	HasUser     bool
	HasPassword bool
	IsV5        bool // MQTT 5.0 instead of 3.1.1
	// Seed and Random distinguish the client identifiers of several machines and checks: a client
	// that connects to another broker of a cluster with the same identifier ends the first connection.
	Seed   string
	Random uint64
}

// The bits of the connect flags byte, 3.1.2.3 in the OASIS standards of MQTT.
const (
	flagCleanStart = 0x02
	flagPassword   = 0x40
	flagUser       = 0x80
)

// The first bytes of the packets.
const (
	packetConnect    = 0x10
	packetDisconnect = 0xe0
)

// NewMQTT returns a check with these credentials.
func NewMQTT(c Credentials) *MQTT { return &MQTT{c} }

// clientID returns the client identifier for a server: letters and digits, at most 23, as each broker
// must accept.
func (m *MQTT) clientID(to stream.Addr) string {
	if m.ClientID != "" {
		return m.ClientID
	}
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%s %d %s", m.Seed, m.Random, to)
	return fmt.Sprintf("weir%016x", sum.Sum64())
}

// Request implements Probe. It returns a CONNECT with a clean session, which ends with the connection.
func (m *MQTT) Request(to stream.Addr) []byte {
	level, flags := byte(4), byte(flagCleanStart)
	if m.IsV5 {
		level = 5
	}
	if m.HasUser {
		flags |= flagUser
	}
	if m.HasPassword {
		flags |= flagPassword
	}
	body := append(appendField(nil, "MQTT"), level, flags)
	body = binary.BigEndian.AppendUint16(body, keepAlive)
	if m.IsV5 {
		body = append(body, 0) // no properties
	}
	body = appendField(body, m.clientID(to))
	if m.HasUser {
		body = appendField(body, m.User)
	}
	if m.HasPassword {
		body = appendField(body, m.Password)
	}
	return append(binary.AppendUvarint([]byte{packetConnect}, uint64(len(body))), body...)
}

// keepAlive is the number of seconds after which a broker closes a connection that it did not see end.
const keepAlive = 60

// appendField appends a string with its length, 1.5.3 in MQTT 3.1.1.
func appendField(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
}

// Farewell implements Probe.
func (m *MQTT) Farewell() []byte { return []byte{packetDisconnect, 0} }

// maxConnack is the number of bytes of a CONNACK up to its code, with the longest length.
const maxConnack = 1 + 4 + 2

// Limit implements Probe.
func (m *MQTT) Limit() int { return maxConnack }

// Judge implements Probe.
func (m *MQTT) Judge(response []byte, end End) (Verdict, string) {
	switch c := mqtt.ParseConnack(response); {
	case c.Accepted():
		return Passed, ""
	case c.State == mqtt.Done:
		return Failed, fmt.Sprintf("MQTT CONNACK with code %d", c.Code)
	case c.State == mqtt.Declined || end == Full:
		return Failed, "invalid MQTT CONNACK"
	}
	return Pending, ""
}
