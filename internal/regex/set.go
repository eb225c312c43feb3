package regex

import (
	"fmt"
	"strings"
)

// A set is a set of bytes.
type set [256]bool

// setOf returns the set of the bytes of each range: "az09" is a to z and 0 to 9.
func setOf(ranges string) *set {
	var s set
	for i := 0; i < len(ranges); i += 2 {
		s.addRange(ranges[i], ranges[i+1])
	}
	return &s
}

func (s *set) addRange(lo, hi byte) {
	for c := int(lo); c <= int(hi); c++ {
		s[c] = true
	}
}

func (s *set) addAll(more *set) {
	for c, in := range more {
		s[c] = s[c] || in
	}
}

// negated returns the set of all other bytes.
func (s *set) negated() *set {
	var n set
	for c, in := range s {
		n[c] = !in
	}
	return &n
}

// fold adds the other case of each letter.
func (s *set) fold() {
	for c := 'a'; c <= 'z'; c++ {
		either := s[c] || s[c-'a'+'A']
		s[c], s[c-'a'+'A'] = either, either
	}
}

// write appends the set as a class of the engine. An empty set is a class that matches no byte.
func (s *set) write(b *strings.Builder) {
	b.WriteByte('[')
	empty := true
	for lo := 0; lo < len(s); lo++ {
		if !s[lo] {
			continue
		}
		hi := lo
		for hi+1 < len(s) && s[hi+1] {
			hi++
		}
		fmt.Fprintf(b, `\x{%x}-\x{%x}`, lo, hi)
		lo, empty = hi, false
	}
	if empty {
		b.WriteString(`^\x{0}-\x{10FFFF}`)
	}
	b.WriteByte(']')
}

// The classes of the escapes; \h and \v are horizontal and vertical space.
var (
	digits     = setOf("09")
	word       = setOf("azAZ09__")
	space      = setOf("\t\r  ")
	horizontal = setOf("\t\t  \xa0\xa0")
	vertical   = setOf("\n\r\x85\x85")
	newline    = setOf("\n\n")
	everything = setOf("\x00\xff")
)

// posix contains the classes with names in brackets, as in the C locale.
var posix = map[string]*set{
	"alpha": setOf("azAZ"), "lower": setOf("az"), "upper": setOf("AZ"), "alnum": setOf("azAZ09"), "ascii": setOf("\x00\x7f"),
	"blank": setOf("\t\t  "), "cntrl": setOf("\x00\x1f\x7f\x7f"), "digit": digits, "graph": setOf("!~"), "print": setOf(" ~"),
	"punct": setOf("!/:@[`{~"), "space": space, "word": word, "xdigit": setOf("09afAF"),
}
