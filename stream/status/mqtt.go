package status

import (
	"sync/atomic"
	"time"

	"weir/internal/mqtt"
)

// MQTT counts the first packets of MQTT sessions in a server zone: each CONNECT, and the CONNACK that
// answers it. A nil *MQTT counts nothing. They are rare beside all other packets, so that there are no
// shards.
type MQTT struct {
	v31, v311, v5      atomic.Int64
	malformed, without atomic.Int64
	connacks           [256]atomic.Int64
	times              [len(connackBounds) + 1]atomic.Int64
	total              atomic.Int64 // of the times, in nanoseconds
}

// connackBounds are the upper bounds of the times from CONNECT to CONNACK.
var connackBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// Connect counts the first bytes of a client: a CONNECT, or bytes that are none.
func (m *MQTT) Connect(c *mqtt.Connect) {
	if m == nil {
		return
	}
	if c.State == mqtt.Declined {
		m.malformed.Add(1)
		return
	}
	switch c.Version {
	case 3:
		m.v31.Add(1)
	case 4:
		m.v311.Add(1)
	case 5:
		m.v5.Add(1)
	}
	if len(c.ClientID) == 0 {
		m.without.Add(1)
	}
}

// Connack counts the answer of a server after that time. Bytes that are no CONNACK do not count.
func (m *MQTT) Connack(first []byte, took time.Duration) {
	if m == nil {
		return
	}
	c := mqtt.ParseConnack(first)
	if c.State != mqtt.Done {
		return
	}
	m.connacks[c.Code].Add(1)
	i := 0
	for i < len(connackBounds) && took > connackBounds[i] {
		i++
	}
	m.times[i].Add(1)
	m.total.Add(int64(took))
}

// An MQTTSnapshot is MQTT at one time.
type MQTTSnapshot struct {
	V31, V311, V5   int64 // CONNECT packets by version
	Malformed       int64 // sessions whose first bytes are no CONNECT
	WithoutClientID int64 // CONNECT packets with an empty client identifier
	Connacks        []Connack
	ConnackTimes    Histogram
}

// A Connack is the number of CONNACK packets with one return code or reason code.
type Connack struct {
	Code  byte
	Count int64
}

// A Histogram counts times by their length.
type Histogram struct {
	Bounds []time.Duration // upper bounds, ascending
	Counts []int64         // one more than bounds; not cumulative
	Sum    time.Duration
}

// Snapshot returns the current numbers; Connacks has the codes that have occurred, ascending.
func (m *MQTT) Snapshot() MQTTSnapshot {
	s := MQTTSnapshot{
		V31: m.v31.Load(), V311: m.v311.Load(), V5: m.v5.Load(), Malformed: m.malformed.Load(), WithoutClientID: m.without.Load(),
		ConnackTimes: Histogram{Bounds: connackBounds[:], Sum: time.Duration(m.total.Load())},
	}
	for code := range m.connacks {
		if n := m.connacks[code].Load(); n > 0 {
			s.Connacks = append(s.Connacks, Connack{byte(code), n})
		}
	}
	for i := range m.times {
		s.ConnackTimes.Counts = append(s.ConnackTimes.Counts, m.times[i].Load())
	}
	return s
}

// Reset sets all counters to 0.
func (m *MQTT) Reset() {
	for _, c := range [...]*atomic.Int64{&m.v31, &m.v311, &m.v5, &m.malformed, &m.without, &m.total} {
		c.Store(0)
	}
	for i := range m.connacks {
		m.connacks[i].Store(0)
	}
	for i := range m.times {
		m.times[i].Store(0)
	}
}
