// Package regex compiles regular expressions that are written for PCRE, as nginx's are, for the engine of Go's standard library.
//
// A Regexp means what it means in nginx, byte for byte, or it is refused: what that engine can not do (look-ahead, back-references,
// possessive repetition and their like) and what it would read otherwise. As in nginx without "(*UTF)", a text is bytes, of which only
// ASCII has letters, digits and case.
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
	groups []int // the engine's number of each group, the whole match being the first
	ends   []end
}

// A Name is a group that has one. Group counts from 1.
type Name struct {
	Text  string
	Group int
}

// An end is a "$" within groups that capture. The engine has it as a group of its own, which takes the newline that ends the text;
// the groups around it must not.
type end struct {
	group  int   // the engine's
	within []int // by their number in the pattern
}

// Compile compiles pattern; with fold the case of ASCII letters is no matter. The error is nginx's sentence for what is wrong, or
// one that names what is not supported.
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

// Names lists the groups that have names, in order.
func (r *Regexp) Names() []Name { return r.names }

// NumGroups is how many groups capture.
func (r *Regexp) NumGroups() int { return len(r.groups) - 1 }

// Match reports whether text matches. For ASCII it allocates nothing.
func (r *Regexp) Match(text string) bool { return r.re.MatchString(widen(text)) }

// Groups returns where the groups begin and end in text, two numbers for each, the first two of which are the whole match's; -1 for a
// group that took no part. It returns nil if text does not match.
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

// apply lets the groups around end where the text does, or before its last newline. A negative start says that it was not met.
func (e end) apply(at []int, start int) {
	if start < 0 {
		return
	}
	for _, g := range e.within {
		at[2*g+1] = start
	}
}

// widen makes a rune of every byte, since the engine takes runes.
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

// narrow turns places in a widened text into places in the text itself.
func narrow(at []int, wide string) {
	for i, n := range at {
		if n > 0 {
			at[i] = utf8.RuneCountInString(wide[:n])
		}
	}
}
