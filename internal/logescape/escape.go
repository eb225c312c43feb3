// Package logescape escapes the values of variables in access logs.
package logescape

import (
	"bytes"
	"unicode/utf8"
)

// Escape selects how the values of variables are escaped.
type Escape uint8

// The values of escape= in log_format.
const (
	Default Escape = iota // bytes outside printable ASCII, quotes and backslashes as \xHH; "-" if not found
	JSON                  // as the text of a JSON string; invalid UTF-8 as U+FFFD
	None                  // unchanged
)

// Parse returns the Escape of that name.
func Parse(name string) (Escape, bool) {
	switch name {
	case "default":
		return Default, true
	case "json":
		return JSON, true
	case "none":
		return None, true
	}
	return 0, false
}

// Value escapes the value in b that begins at start.
func (e Escape) Value(b []byte, start int, found bool) []byte {
	switch e {
	case Default:
		if !found {
			return append(b[:start], '-')
		}
		return expand(b, start, &hexSizes, appendHex)
	case JSON:
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

// validUTF8 replaces invalid UTF-8 in b from start on with U+FFFD, because JSON must be UTF-8.
func validUTF8(b []byte, start int) []byte {
	if utf8.Valid(b[start:]) {
		return b
	}
	return append(b[:start], bytes.ToValidUTF8(b[start:], []byte("\ufffd"))...)
}

// expand rewrites every byte of b from start on as appendTo does; sizes has its resulting length, 1
// for an unchanged byte. It works in place from the end, so that only b is allocated.
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

// hexSizes and jsonSizes contain hexLen and jsonLen of every byte.
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

// shortJSON returns the character after the backslash of a two-byte escape, or 0 if there is none.
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
