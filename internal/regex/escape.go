package regex

import (
	"strings"

	"weir/internal/ascii"
)

// An escape is the meaning of an escape sequence: a byte, or a class if set is not nil.
type escape struct {
	char byte
	set  *set
}

// setEscapes are the classes outside and inside brackets.
var setEscapes = map[byte]*set{
	'd': digits, 'D': digits.negated(), 'w': word, 'W': word.negated(), 's': space, 'S': space.negated(),
	'h': horizontal, 'H': horizontal.negated(), 'v': vertical, 'V': vertical.negated(),
}

// charEscapes are the control characters with a letter escape.
var charEscapes = map[byte]byte{'a': 7, 'e': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// refusedEscapes are the escapes that the engine does not support, with their names.
var refusedEscapes = map[byte]string{
	'C': "single byte", 'G': "start of match", 'K': "reset of the match start", 'N': "escape", 'R': "newline sequence", 'X': "grapheme cluster",
	'p': "Unicode property", 'P': "Unicode property", 'g': "back-reference", 'k': "back-reference",
	'1': "back-reference", '2': "back-reference", '3': "back-reference", '4': "back-reference", '5': "back-reference",
	'6': "back-reference", '7': "back-reference", '8': "back-reference", '9': "back-reference",
	'L': "escape", 'l': "escape", 'U': "escape", 'u': "escape",
}

// escape reads an escape that stands for a byte or a class, after its backslash.
func (t *translator) escape() (escape, error) {
	start := t.at
	if t.at == len(t.pattern) {
		return escape{}, t.fail(`\ at end of pattern`, t.at)
	}
	c := t.pattern[t.at]
	t.at++
	if s := setEscapes[c]; s != nil {
		return escape{set: s}, nil
	}
	if code, ok := charEscapes[c]; ok {
		return escape{char: code}, nil
	}
	if what, ok := refusedEscapes[c]; ok {
		return escape{}, t.refuse(what, t.pattern[start-1:t.at])
	}
	switch {
	case !word[c] || c == '_':
		return escape{char: c}, nil
	case c == '0':
		return escape{char: byte(t.number(8, 2))}, nil
	case c == 'o', c == 'x':
		return t.coded(c)
	case c == 'c':
		return t.control()
	}
	return escape{}, t.fail(`unrecognized character follows \`, start)
}

// number reads up to max digits of the base; without digits it returns 0.
func (t *translator) number(base, max int) (n int) {
	for ; max > 0 && t.at < len(t.pattern); max-- {
		d := strings.IndexByte("0123456789abcdef"[:base], ascii.Lower(t.pattern[t.at]))
		if d < 0 {
			break
		}
		n = n*base + d
		t.at++
	}
	return n
}

// coded reads \o{12}, \x{e9} or \xe9.
func (t *translator) coded(kind byte) (escape, error) {
	base := 16
	if kind == 'o' {
		base = 8
	}
	if t.at == len(t.pattern) || t.pattern[t.at] != '{' {
		if kind == 'o' {
			return escape{}, t.fail(`missing opening brace after \o`, t.at)
		}
		return escape{char: byte(t.number(base, 2))}, nil
	}
	t.at++
	first := t.at
	n := t.number(base, 7)
	switch {
	case n > 255:
		return escape{}, t.fail(`character code point value in \x{} or \o{} is too large`, t.at)
	case t.at == first || t.at == len(t.pattern) || t.pattern[t.at] != '}':
		return escape{}, t.refuse("escape", t.pattern[first-3:t.at])
	}
	t.at++
	return escape{char: byte(n)}, nil
}

// control reads the letter of \cA.
func (t *translator) control() (escape, error) {
	if t.at == len(t.pattern) {
		return escape{}, t.fail(`\c at end of pattern`, t.at)
	}
	c := t.pattern[t.at]
	if c < ' ' || c > '~' {
		return escape{}, t.fail(`\c must be followed by a printable ASCII character`, t.at)
	}
	t.at++
	return escape{char: ascii.Upper(c) ^ 0x40}, nil
}

func isLetter(c byte) bool { return 'a' <= ascii.Lower(c) && ascii.Lower(c) <= 'z' }
