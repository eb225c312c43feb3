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
	v31, v311, v5      atomic.Uint64
	malformed, without atomic.Uint64
	connacks           [256]atomic.Uint64
	times              [len(connackBounds) + 1]atomic.Uint64
	total              atomic.Uint64 // of the times, in nanoseconds
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
	m.total.Add(uint64(took))
}

// Snapshot returns the current numbers.
func (m *MQTT) Snapshot() *mqtt.Counts {
	c := &mqtt.Counts{
		V31: m.v31.Load(), V311: m.v311.Load(), V5: m.v5.Load(), Malformed: m.malformed.Load(), WithoutClientID: m.without.Load(),
		ConnackTimes: mqtt.Histogram{Bounds: connackBounds[:], Sum: time.Duration(m.total.Load())},
	}
	for code := range m.connacks {
		if n := m.connacks[code].Load(); n > 0 {
			c.Connacks = append(c.Connacks, mqtt.CodeCount{Code: byte(code), Count: n})
		}
	}
	for i := range m.times {
		c.ConnackTimes.Counts = append(c.ConnackTimes.Counts, m.times[i].Load())
	}
	return c
}

// Reset sets all counters to 0.
func (m *MQTT) Reset() {
	for _, c := range [...]*atomic.Uint64{&m.v31, &m.v311, &m.v5, &m.malformed, &m.without, &m.total} {
		c.Store(0)
	}
	for i := range m.connacks {
		m.connacks[i].Store(0)
	}
	for i := range m.times {
		m.times[i].Store(0)
	}
}
