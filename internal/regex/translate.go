package regex

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A translator writes a pattern anew in the few words that PCRE and the engine read alike: bytes, sets of bytes, groups,
// alternatives, repetitions, and the start, the end and the borders of words. So flags never reach the engine.
type translator struct {
	pattern string
	at      int // the next byte
	out     strings.Builder
	flags
	open   []group
	groups []int
	count  int // of the engine's groups
	names  []Name
	ends   []end
	branch
}

// A branch is what is known of the alternative that is being read, and of those before it in its group.
type branch struct {
	repeatable bool // what was written last may be repeated
	last       item
	taking     int  // how many items take at least a byte
	ended      bool // a "$" was the last
	endedAny   bool // or of an alternative before
	emptyAny   bool // an alternative before may be empty
	captures   bool // something in the group captures
}

// An item is something that can be repeated.
type item struct{ empty, captures bool }

// mayBeEmpty reports whether the group, as far as it was read, may match nothing.
func (b *branch) mayBeEmpty() bool { return b.emptyAny || b.taking == 0 }

// add counts an item.
func (b *branch) add(i item) {
	b.repeatable, b.last = true, i
	b.captures = b.captures || i.captures
	if !i.empty {
		b.taking++
	}
}

// flags are the options in force, of which (?i) and (?s) are served.
type flags struct{ fold, dotAll bool }

// A group is one that is open, with what was before it.
type group struct {
	number int // 0: it does not capture
	flags  flags
	branch branch
}

func (t *translator) translate() error {
	for t.at < len(t.pattern) {
		c := t.pattern[t.at]
		t.at++
		if err := t.next(c); err != nil {
			return err
		}
	}
	if len(t.open) > 0 {
		return t.fail("missing closing parenthesis", t.at)
	}
	return nil
}

// next translates what begins with c, which has been passed.
func (t *translator) next(c byte) error {
	switch c {
	case '|':
		return t.alternative()
	case ')':
		return t.closeGroup()
	case '*', '+', '?':
		return t.repeat(string(c), c != '+', c != '?')
	case '{':
		if n := quantifier(t.pattern[t.at-1:]); n != "" {
			return t.bounded(n)
		}
	case '(':
		return t.openGroup()
	case '$':
		return t.end("$")
	}
	if t.ended {
		return t.refuse("end of text before the end", "$")
	}
	switch c {
	case '^':
		return t.assertion(`\A`)
	case '[':
		return t.class()
	case '\\':
		return t.escaped()
	case '.':
		if t.dotAll {
			return t.writeSet(everything)
		}
		return t.writeSet(newline.negated())
	}
	return t.writeByte(c)
}

func (t *translator) alternative() error {
	b := &t.branch
	*b = branch{endedAny: b.endedAny || b.ended, emptyAny: b.mayBeEmpty(), captures: b.captures}
	t.out.WriteByte('|')
	return nil
}

// escaped translates an escape outside brackets; the backslash has been passed.
func (t *translator) escaped() error {
	rest := t.pattern[t.at:]
	if rest != "" {
		switch rest[0] {
		case 'A', 'z', 'b', 'B':
			t.at++
			return t.assertion(`\` + rest[:1])
		case 'Z':
			t.at++
			return t.end(`\Z`)
		case 'Q':
			t.at++
			return t.quoted()
		case 'E':
			t.at++
			return nil
		}
	}
	e, err := t.escape()
	switch {
	case err != nil:
		return err
	case e.set != nil:
		return t.writeSet(e.set)
	}
	return t.writeByte(e.char)
}

// quoted takes all up to \E as it stands.
func (t *translator) quoted() error {
	text, _, closed := strings.Cut(t.pattern[t.at:], `\E`)
	t.at += len(text)
	if closed {
		t.at += len(`\E`)
	}
	for i := range len(text) {
		if err := t.writeByte(text[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *translator) assertion(text string) error {
	t.out.WriteString(text)
	t.repeatable = false
	return nil
}

// end translates "$": the end of the text, or before a newline that ends it. The engine knows only the end itself, and takes the
// newline instead, which is the same as long as nothing follows.
func (t *translator) end(name string) error {
	if t.ended {
		return t.refuse("end of text before the end", name)
	}
	t.ended, t.repeatable = true, false
	e := end{group: t.count + 1}
	for _, g := range t.open {
		if g.number > 0 {
			e.within = append(e.within, g.number)
		}
	}
	if e.within == nil {
		t.out.WriteString(`(?:\n?\z)`)
		return nil
	}
	t.count++
	t.ends = append(t.ends, e)
	t.out.WriteString(`(\n?\z)`)
	return nil
}

func (t *translator) writeByte(c byte) error {
	switch {
	case t.fold && isLetter(c):
		t.out.Write([]byte{'[', upper(c), lower(c), ']'})
	case c < ' ' || c > '~':
		fmt.Fprintf(&t.out, `\x{%x}`, c)
	default:
		t.out.WriteString(regexp.QuoteMeta(string(rune(c))))
	}
	t.add(item{})
	return nil
}

func (t *translator) writeSet(s *set) error {
	s.write(&t.out)
	t.add(item{})
	return nil
}

// quantifier is the repetition in braces that rest begins with; empty if it begins with none.
func quantifier(rest string) string { return braces.FindString(rest) }

var braces = regexp.MustCompile(`^\{([0-9]+(,[0-9]*)?|,[0-9]+)\}`)

// The most that PCRE and the engine repeat.
const (
	maxPCRE   = 65535
	maxRepeat = 1000
)

// bounded translates a repetition in braces; the first has been passed.
func (t *translator) bounded(text string) error {
	t.at += len(text) - 1
	least, most, ranged := strings.Cut(text[1:len(text)-1], ",")
	if least == "" {
		return t.refuse("repetition", text)
	}
	unbounded := ranged && most == ""
	if most == "" {
		most = least
	}
	lo, errLo := strconv.Atoi(least)
	hi, errHi := strconv.Atoi(most)
	switch {
	case errLo != nil || errHi != nil || max(lo, hi) > maxPCRE:
		return t.fail("number too big in {} quantifier", t.at-1)
	case lo > hi:
		return t.fail("numbers out of order in {} quantifier", t.at-1)
	case hi > maxRepeat:
		return t.refuse("repetition", text)
	}
	return t.repeat(text, lo == 0, unbounded || hi > 1)
}

// repeat writes a repetition, greedy or lazy: whether it may be none, and whether it may be more than one. The engine does not keep
// what PCRE keeps of a group that is empty in its last round.
func (t *translator) repeat(text string, none, more bool) error {
	switch {
	case !t.repeatable:
		return t.fail("quantifier does not follow a repeatable item", t.at-1)
	case t.ended:
		return t.refuse("repetition of the end", text)
	case more && t.last.empty && t.last.captures:
		return t.refuse("repetition of a group that captures and may be empty", text)
	}
	if none && !t.last.empty {
		t.taking--
	}
	if t.passes("+") {
		return t.refuse("possessive repetition", text+"+")
	}
	t.out.WriteString(text)
	if t.passes("?") {
		t.out.WriteByte('?')
	}
	t.repeatable = false
	return nil
}

// passes goes on behind text if it comes next, and reports whether it did.
func (t *translator) passes(text string) bool {
	if !strings.HasPrefix(t.pattern[t.at:], text) {
		return false
	}
	t.at += len(text)
	return true
}

// fail is nginx's sentence for an error that PCRE finds at that place.
func (t *translator) fail(message string, at int) error {
	sentence := fmt.Sprintf("pcre2_compile() failed: %s in \"%s\"", message, t.pattern)
	if at < len(t.pattern) {
		sentence += fmt.Sprintf(" at \"%s\"", t.pattern[at:])
	}
	return fmt.Errorf("%s", sentence)
}

// refuse says what weir does not serve.
func (t *translator) refuse(what, text string) error {
	return fmt.Errorf("%s \"%s\" in regular expression \"%s\" is not supported by weir", what, text, t.pattern)
}
