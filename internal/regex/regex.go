// Package regex compiles regular expressions that are written for PCRE, as nginx's are, for the
// engine of Go's standard library.
//
// A Regexp has the same meaning as in nginx, byte for byte, or it is refused: refused are the
// constructs that the engine does not support (look-ahead, back-references, possessive repetition
// and similar) and those that it interprets differently. As in nginx without "(*UTF)", a text is
// bytes, of which only ASCII has letters, digits and case.
package regex

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A Regexp is a compiled regular expression. It is immutable.
type Regexp struct {
	re     *regexp.Regexp
	names  []Name
	groups []int // the engine's number of each group; the first is the whole match
	ends   []end
}

// A Name is a named group. Group counts from 1.
type Name struct {
	Text  string
	Group int
}

// An end is a "$" within capturing groups. In the engine it is a group of its own that matches the
// final newline of the text; the groups around it must not include that newline.
type end struct {
	group  int   // the engine's number
	within []int // by their number in the pattern
}

// Compile compiles pattern; fold ignores the case of ASCII letters. The error is nginx's sentence
// for the fault, or one that names the unsupported construct.
func Compile(pattern string, fold bool) (*Regexp, error) {
	t := translator{pattern: pattern, flags: flags{fold: fold}, groups: []int{0}}
	if err := t.translate(); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(t.out.String())
	if err != nil {
		return nil, fmt.Errorf("regular expression \"%s\" is not supported by weir: it is too large", pattern)
	}
	return &Regexp{re, t.names, t.groups, t.ends}, nil
}

// Names lists the named groups in order.
func (r *Regexp) Names() []Name { return r.names }

// NumGroups returns the number of capturing groups.
func (r *Regexp) NumGroups() int { return len(r.groups) - 1 }

// Match reports whether text matches. For ASCII it allocates nothing.
func (r *Regexp) Match(text string) bool { return r.re.MatchString(widen(text)) }

// Groups returns the start and end of each group in text, two numbers for each; the first two are
// those of the whole match. -1 means that a group took no part. It returns nil if text does not
// match.
func (r *Regexp) Groups(text string) []int {
	wide := widen(text)
	found := r.re.FindStringSubmatchIndex(wide)
	if found == nil {
		return nil
	}
	at := make([]int, 0, 2*len(r.groups))
	for _, g := range r.groups {
		at = append(at, found[2*g], found[2*g+1])
	}
	for _, e := range r.ends {
		e.apply(at, found[2*e.group])
	}
	if len(wide) != len(text) {
		narrow(at, wide)
	}
	return at
}

// Captures are the groups of a match. The zero Captures has none.
type Captures struct {
	text   string
	places []int
}

// Capture returns the groups of text, and whether it matches.
func (r *Regexp) Capture(text string) (c Captures, ok bool) {
	places := r.Groups(text)
	return Captures{text, places}, places != nil
}

// Group returns the text of the n-th group; empty if it did not participate or does not exist.
func (c *Captures) Group(n int) string {
	if 2*n >= len(c.places) || c.places[2*n] < 0 {
		return ""
	}
	return c.text[c.places[2*n]:c.places[2*n+1]]
}

// apply ends the groups around end at the end of the text, or before its last newline. A negative
// start means that the "$" took no part.
func (e end) apply(at []int, start int) {
	if start < 0 {
		return
	}
	for _, g := range e.within {
		at[2*g+1] = start
	}
}

// widen converts every byte to a rune, because the engine matches runes.
func widen(text string) string {
	n := 0
	for i := range len(text) {
		n += int(text[i] >> 7)
	}
	if n == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + n)
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

// narrow converts offsets in a widened text to offsets in the original text.
func narrow(at []int, wide string) {
	for i, n := range at {
		if n > 0 {
			at[i] = utf8.RuneCountInString(wide[:n])
		}
	}
}
