package healthcheck

import (
	"fmt"
	"hash/fnv"

	"weir/internal/mqtt"
	"weir/stream"
)

// An MQTT checks that a broker accepts a client: it sends CONNECT, passes on a CONNACK of success,
// and then sends DISCONNECT.
type MQTT struct {
	mqtt.Login // an empty ClientID gives each server a client identifier of its own
	// Seed and Random distinguish the client identifiers of several machines and checks: a client
	// that connects to another broker of a cluster with the same identifier ends the first connection.
	Seed   string
	Random uint64
}

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
	l := m.Login
	l.ClientID, l.KeepAlive = m.clientID(to), keepAlive
	return l.AppendTo(nil)
}

// keepAlive is the number of seconds after which a broker closes a connection that it did not see end.
const keepAlive = 60

// Farewell implements Probe.
func (m *MQTT) Farewell() []byte { return []byte(mqtt.Disconnect) }

// Limit implements Probe.
func (m *MQTT) Limit() int { return mqtt.MaxConnack }

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
