//go:build linux

package load

import (
	"encoding/binary"
	"time"
)

// A stamp is the wall clock time at the start of a payload. Both ends of the load are on one
// machine and read the same clock; if the clock is set during a test, only the delays of that
// moment are wrong.
const stampSize = 8

// delaySize is the size of a measured delay in the broker's answer, in bytes: microseconds.
const delaySize = 4

// putStamp writes the time to the start of a payload.
func putStamp(payload []byte, now time.Time) {
	binary.BigEndian.PutUint64(payload, uint64(now.UnixNano()))
}

// appendDelay appends to delays the time since the stamp at the start of a payload.
func appendDelay(delays, payload []byte, now time.Time) ([]byte, error) {
	if len(payload) < stampSize {
		return nil, errMalformed
	}
	sent := int64(binary.BigEndian.Uint64(payload))
	us := max(now.UnixNano()-sent, 0) / int64(time.Microsecond)
	return binary.BigEndian.AppendUint32(delays, uint32(min(us, 1<<32-1))), nil
}

// addDelays counts the delays of a broker's answer.
func (h *Histogram) addDelays(delays []byte) {
	for len(delays) >= delaySize {
		h.Add(time.Duration(binary.BigEndian.Uint32(delays)) * time.Microsecond)
		delays = delays[delaySize:]
	}
}
