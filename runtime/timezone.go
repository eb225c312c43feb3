package runtime

import (
	"encoding/binary"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // for systems without zone files, such as small container images
)

// useTimezone gives TZ the meaning that it has for the C library: the name of a zone file or a POSIX
// rule, such as "CET-1CEST,M3.5.0,M10.5.0/3". The time package supports only the former. Call it before
// other goroutines start.
func useTimezone() {
	if zone := posixZone(os.Getenv("TZ")); zone != nil {
		time.Local = zone
	}
}

// posixZone returns the zone that tz describes as a POSIX rule, or nil if tz is not a rule; then the time
// package finds the zone or uses UTC.
func posixZone(tz string) *time.Location {
	tz = strings.TrimPrefix(tz, ":")
	if tz == "" || strings.ContainsAny(tz, "/\n") && !strings.Contains(tz, ",") {
		return nil
	}
	if _, err := time.LoadLocation(tz); err == nil {
		return nil
	}
	zone, err := time.LoadLocationFromTZData("Local", ruleFile(tz))
	if err != nil {
		return nil
	}
	return zone
}

// ruleFile returns a zone file by RFC 9636 with UTC and no transitions, so that its last line, the rule,
// always applies. An invalid rule means UTC.
func ruleFile(rule string) []byte {
	var b []byte
	for range 2 { // once for readers of version 1, and once with 64-bit times, of which there are none
		b = append(b, "TZif2"...)
		b = append(b, make([]byte, 15)...)
		for _, count := range [...]uint32{0, 0, 0, 0, 1, 4} { // one zone with a name of four bytes
			b = binary.BigEndian.AppendUint32(b, count)
		}
		b = append(b, 0, 0, 0, 0, 0, 0) // UTC, no daylight saving time, its name is the first
		b = append(b, "UTC\x00"...)
	}
	return append(append(append(b, '\n'), rule...), '\n')
}
