package status

import "sync/atomic"

// A ServerZone counts the sessions of all servers with one status_zone. A nil *ServerZone counts
// nothing.
//
// See status_zone in https://nginx.org/en/docs/http/ngx_http_api_module.html.
type ServerZone struct {
	Name   string
	shards []zoneShard
	tls    *TLS  // nil if no server of the zone has an address with TLS
	mqtt   *MQTT // nil if no server of the zone reads CONNECT packets
}

type zoneShard struct {
	processing     atomic.Int64
	connections    atomic.Int64
	sessions       [classes]atomic.Int64
	discarded      atomic.Int64
	received, sent atomic.Int64
	_              [128 - (5+classes)*8]byte
}

// The classes of a session's status: 2xx, 4xx and 5xx.
const classes = 3

// NewServerZone returns a zone with its counters at zero.
func NewServerZone(name string) *ServerZone {
	return &ServerZone{Name: name, shards: shardsOf[zoneShard]()}
}

// CountTLS makes the zone count handshakes. It is called before the zone is in use.
func (z *ServerZone) CountTLS() {
	if z.tls == nil {
		z.tls = &TLS{}
	}
}

// CountMQTT makes the zone count MQTT packets. It is called before the zone is in use.
func (z *ServerZone) CountMQTT() {
	if z.mqtt == nil {
		z.mqtt = &MQTT{}
	}
}

// Follow makes z share the counters of old, its predecessor in the previous configuration, before z
// is in use.
func (z *ServerZone) Follow(old *ServerZone) {
	z.shards = old.shards
	if z.tls != nil && old.tls != nil {
		z.tls = old.tls
	}
	if z.mqtt != nil && old.mqtt != nil {
		z.mqtt = old.mqtt
	}
}

// TLS returns the counters of handshakes, or nil.
func (z *ServerZone) TLS() *TLS {
	if z == nil {
		return nil
	}
	return z.tls
}

// MQTT returns the counters of MQTT packets, or nil.
func (z *ServerZone) MQTT() *MQTT {
	if z == nil {
		return nil
	}
	return z.mqtt
}

// Enter counts a session as being processed, until Leave.
func (z *ServerZone) Enter(loop uint8) {
	if z != nil {
		shardOf(z.shards, loop).processing.Add(1)
	}
}

// Leave ends Enter, by the same loop.
func (z *ServerZone) Leave(loop uint8) {
	if z != nil {
		shardOf(z.shards, loop).processing.Add(-1)
	}
}

// Connected counts the connection of a session that stays in the zone.
func (z *ServerZone) Connected(loop uint8) {
	if z != nil {
		shardOf(z.shards, loop).connections.Add(1)
	}
}

// Finished counts the end of a session with that status.
func (z *ServerZone) Finished(loop uint8, status int) {
	if z == nil {
		return
	}
	s := shardOf(z.shards, loop)
	switch status / 100 {
	case 2:
		s.sessions[0].Add(1)
	case 4:
		s.sessions[1].Add(1)
	case 5:
		s.sessions[2].Add(1)
	}
}

// Discarded counts a connection that ended before its session began.
func (z *ServerZone) Discarded(loop uint8) {
	if z != nil {
		shardOf(z.shards, loop).discarded.Add(1)
	}
}

// Received counts n bytes from a client.
func (z *ServerZone) Received(loop uint8, n int) {
	if z != nil {
		shardOf(z.shards, loop).received.Add(int64(n))
	}
}

// Sent counts n bytes to a client.
func (z *ServerZone) Sent(loop uint8, n int) {
	if z != nil {
		shardOf(z.shards, loop).sent.Add(int64(n))
	}
}

// A ServerZoneSnapshot is a ServerZone at one time.
type ServerZoneSnapshot struct {
	Processing, Connections int64
	Sessions                Sessions
	Discarded               int64
	Received, Sent          int64
	TLS                     *TLSSnapshot // nil if the zone has no TLS
}

// Sessions are finished sessions by the class of their status, and their sum.
type Sessions struct{ Class2xx, Class4xx, Class5xx, Total int64 }

// Snapshot returns the sums over all loops.
func (z *ServerZone) Snapshot() (sum ServerZoneSnapshot) {
	for i := range z.shards {
		s := &z.shards[i]
		sum.Processing += s.processing.Load()
		sum.Connections += s.connections.Load()
		sum.Sessions.Class2xx += s.sessions[0].Load()
		sum.Sessions.Class4xx += s.sessions[1].Load()
		sum.Sessions.Class5xx += s.sessions[2].Load()
		sum.Discarded += s.discarded.Load()
		sum.Received += s.received.Load()
		sum.Sent += s.sent.Load()
	}
	sum.Sessions.Total = sum.Sessions.Class2xx + sum.Sessions.Class4xx + sum.Sessions.Class5xx
	if z.tls != nil {
		t := z.tls.Snapshot()
		sum.TLS = &t
	}
	return sum
}

// Reset sets the counters to 0. Sessions that are being processed stay.
func (z *ServerZone) Reset() {
	for i := range z.shards {
		s := &z.shards[i]
		for _, c := range [...]*atomic.Int64{
			&s.connections, &s.sessions[0], &s.sessions[1], &s.sessions[2], &s.discarded, &s.received, &s.sent,
		} {
			c.Store(0)
		}
	}
	if z.tls != nil {
		z.tls.Reset()
	}
	if z.mqtt != nil {
		z.mqtt.Reset()
	}
}
