package mqtt

import "time"

// Counts are numbers of the first packets of sessions: of each CONNECT, and of the CONNACK that answers it.
type Counts struct {
	V31, V311, V5   uint64      // CONNECT packets by version
	Malformed       uint64      // sessions whose first bytes are no CONNECT
	WithoutClientID uint64      // CONNECT packets with an empty client identifier
	Connacks        []CodeCount // those that are not 0, ascending by code
	ConnackTimes    Histogram   // from CONNECT to CONNACK
}

// A VersionCount is the number of CONNECT packets of one version of MQTT.
type VersionCount struct {
	Name  string
	Count uint64
}

// Versions lists the CONNECT packets by version.
func (c *Counts) Versions() [3]VersionCount {
	return [...]VersionCount{{"3.1", c.V31}, {"3.1.1", c.V311}, {"5", c.V5}}
}

// A CodeCount is the number of CONNACK packets with one return code or reason code.
type CodeCount struct {
	Code  byte
	Count uint64
}

// A Histogram counts times by their length.
type Histogram struct {
	Bounds []time.Duration // upper bounds, ascending
	Counts []uint64        // one more than bounds; not cumulative
	Sum    time.Duration
}
