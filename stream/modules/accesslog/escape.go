package accesslog

import (
	"bytes"
	"unicode/utf8"
)

// Escape says how the values of variables are written.
type Escape uint8

// The ways of escape= in log_format.
const (
	EscapeDefault Escape = iota // bytes outside of printable ASCII, quotes and backslashes as \xHH; "-" for what is not found
	EscapeJSON                  // as the text of a JSON string; what is no UTF-8 as U+FFFD
	EscapeNone                  // as it is
)

// ParseEscape returns the Escape of that name.
func ParseEscape(name string) (Escape, bool) {
	switch name {
	case "default":
		return EscapeDefault, true
	case "json":
		return EscapeJSON, true
	case "none":
		return EscapeNone, true
	}
	return 0, false
}

// value escapes the value that b holds from start on.
func (e Escape) value(b []byte, start int, found bool) []byte {
	switch e {
	case EscapeDefault:
		if !found {
			return append(b[:start], '-')
		}
		return expand(b, start, &hexSizes, appendHex)
	case EscapeJSON:
		if !found {
			return b[:start]
		}
		return expand(validUTF8(b, start), start, &jsonSizes, appendJSON)
	}
	if !found {
		return b[:start]
	}
	return b
}

// validUTF8 replaces what is no UTF-8 of b from start on by U+FFFD: JSON has no other bytes.
func validUTF8(b []byte, start int) []byte {
	if utf8.Valid(b[start:]) {
		return b
	}
	return append(b[:start], bytes.ToValidUTF8(b[start:], []byte("\ufffd"))...)
}

// expand writes every byte of b from start on as appendTo does, whose length is in sizes, 1 for a byte that stays. It works from the
// end on, in place, so that nothing is allocated beside b.
func expand(b []byte, start int, sizes *[256]uint8, appendTo func([]byte, byte) []byte) []byte {
	more := 0
	for _, c := range b[start:] {
		more += int(sizes[c]) - 1
	}
	if more == 0 {
		return b
	}
	from := len(b)
	for range more {
		b = append(b, 0)
	}
	for to := len(b); to > from; {
		from--
		c := b[from]
		to -= int(sizes[c])
		appendTo(b[:to], c)
	}
	return b
}

// hexSizes and jsonSizes are hexLen and jsonLen of every byte.
var hexSizes, jsonSizes = sizesOf(hexLen), sizesOf(jsonLen)

func sizesOf(length func(byte) int) (sizes [256]uint8) {
	for c := range sizes {
		sizes[c] = uint8(length(byte(c)))
	}
	return sizes
}

const hex = "0123456789ABCDEF"

// hexLen and appendHex follow ngx_stream_log_escape.
func hexLen(c byte) int {
	if c < ' ' || c > '~' || c == '"' || c == '\\' {
		return 4
	}
	return 1
}

func appendHex(b []byte, c byte) []byte {
	if hexLen(c) == 1 {
		return append(b, c)
	}
	return append(b, '\\', 'x', hex[c>>4], hex[c&15])
}

// jsonLen and appendJSON follow ngx_escape_json.
func jsonLen(c byte) int {
	switch {
	case shortJSON(c) != 0:
		return 2
	case c < ' ':
		return 6
	}
	return 1
}

func appendJSON(b []byte, c byte) []byte {
	if short := shortJSON(c); short != 0 {
		return append(b, '\\', short)
	}
	if c < ' ' {
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(b, c)
}

// shortJSON is what follows the backslash where two bytes are enough, and 0 elsewhere.
func shortJSON(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	}
	return 0
}
