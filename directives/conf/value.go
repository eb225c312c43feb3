package conf

import (
	"math"
	"time"

	"weir/internal/ascii"
)

// MaxRate is the largest rate, in events per second, of directives, requests and commands.
const MaxRate = 1_000_000

// ParseNumber parses a number of decimal digits only, as ngx_atoi does.
func ParseNumber(text string) (int64, bool) {
	if text == "" {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		var ok bool
		if n, ok = pushDigit(n, text[i]); !ok {
			return 0, false
		}
	}
	return n, true
}

// Int returns n, or the largest int if n is larger. n is not negative.
func Int(n int64) int { return int(min(n, math.MaxInt)) }

// pushDigit appends the decimal digit c to n. It fails on overflow or if c is not a digit.
func pushDigit(n int64, c byte) (int64, bool) {
	if !isDigit(c) {
		return 0, false
	}
	d := int64(c - '0')
	if n > (math.MaxInt64-d)/10 {
		return 0, false
	}
	return n*10 + d, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// ParseSize parses a number of bytes with an optional k or m, in either case, as ngx_parse_size
// does.
func ParseSize(text string) (int64, bool) { return parseScaled(text, "km") }

// ParseOffset is ParseSize that also allows g, as ngx_parse_offset does.
func ParseOffset(text string) (int64, bool) { return parseScaled(text, "kmg") }

// parseScaled parses a number with an optional suffix from units; each unit is 1024 times the one
// before it.
func parseScaled(text, units string) (int64, bool) {
	scale := int64(1)
	if n := len(text); n > 0 {
		if power, ok := unitPower(text[n-1], units); ok {
			scale = 1 << (10 * power)
			text = text[:n-1]
		}
	}
	n, ok := ParseNumber(text)
	if !ok || n > math.MaxInt64/scale {
		return 0, false
	}
	return n * scale, true
}

func unitPower(c byte, units string) (int, bool) {
	for i := range len(units) {
		if ascii.Lower(c) == units[i] {
			return i + 1, true
		}
	}
	return 0, false
}

// ParseMsec parses a time of a directive that counts in milliseconds, "1h30m" or "500ms", as
// ngx_parse_time does. A number without a unit is in seconds. A time beyond the 292 years of a
// Duration becomes the longest Duration.
func ParseMsec(text string) (time.Duration, bool) {
	ms, ok := parseTime(text, milliUnits)
	if ms > int64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64, ok
	}
	return time.Duration(ms) * time.Millisecond, ok
}

// ParseSec parses a time of a directive that counts in seconds, "1y6M" or "30", as ngx_parse_time
// does. A time beyond the 292 years of a Duration becomes the longest Duration.
func ParseSec(text string) (time.Duration, bool) {
	sec, ok := parseTime(text, secondUnits)
	if sec > int64(math.MaxInt64/time.Second) {
		return math.MaxInt64, ok
	}
	return time.Duration(sec) * time.Second, ok
}

// A timeUnit is a unit of time and its value in the base unit. Units must be in the order of their
// rank, each at most once.
type timeUnit struct {
	name  string
	worth int64
	rank  int
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// The units of the two kinds of directives. A blank is the unit of a number without a suffix, and
// must be last as well. Seconds and a number without a unit exclude each other; "ms" may follow
// "s". A unit of rank 0 may not follow anything: this refuses "ms" in a time in seconds.
var (
	secondUnits = []timeUnit{
		{"ms", 1, 0}, {"y", 365 * day, 1}, {"M", 30 * day, 2}, {"w", 7 * day, 3}, {"d", day, 4}, {"h", hour, 5},
		{"m", minute, 6}, {"s", 1, 7}, {" ", 1, 9},
	}
	milliUnits = []timeUnit{
		{"ms", 1, 8}, {"w", 7 * day * 1000, 3}, {"d", day * 1000, 4}, {"h", hour * 1000, 5}, {"m", minute * 1000, 6},
		{"s", 1000, 7}, {" ", 1000, 9},
	}
)

// parseTime returns the sum of the parts of text, in the base unit of units.
func parseTime(text string, units []timeUnit) (int64, bool) {
	var total, value int64
	rank, valid := 0, false
	for i := 0; i < len(text); {
		if isDigit(text[i]) {
			if value, valid = pushDigit(value, text[i]); !valid {
				return 0, false
			}
			i++
			continue
		}
		u, ok := unitAt(text[i:], units)
		if !ok || !u.mayFollow(rank) {
			return 0, false
		}
		if total, ok = addScaled(total, value, u.worth); !ok {
			return 0, false
		}
		rank, value = u.rank, 0
		for i += len(u.name); i < len(text) && text[i] == ' '; {
			i++
		}
	}
	if !valid {
		return 0, false
	}
	return addScaled(total, value, units[len(units)-1].worth)
}

// mayFollow reports whether u may come after a unit of that rank. As in ngx_parse_time a blank is
// refused after seconds, and only milliseconds may follow them.
func (u timeUnit) mayFollow(rank int) bool {
	if u.name == " " {
		return rank < 7
	}
	return rank < u.rank
}

func unitAt(text string, units []timeUnit) (timeUnit, bool) {
	for _, u := range units {
		if len(text) >= len(u.name) && text[:len(u.name)] == u.name {
			return u, true
		}
	}
	return timeUnit{}, false
}

// addScaled returns total + value*worth. It fails on overflow.
func addScaled(total, value, worth int64) (int64, bool) {
	if value > math.MaxInt64/worth {
		return 0, false
	}
	value *= worth
	if total > math.MaxInt64-value {
		return 0, false
	}
	return total + value, true
}
