package regex

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"weir/internal/ascii"
)

// A translator rewrites a pattern with the few constructs that PCRE and the engine interpret alike:
// bytes, sets of bytes, groups, alternatives, repetitions, and the start, the end and the
// boundaries of words. So flags never reach the engine.
type translator struct {
	pattern string
	at      int // the offset of the next byte
	out     strings.Builder
	flags
	open   []group
	groups []int
	count  int // of the engine's groups
	names  []Name
	ends   []end
	branch
}

// A branch is the state of the alternative being read, and of the earlier ones in its group.
type branch struct {
	repeatable bool // the last item may be repeated
	last       item
	taking     int  // the number of items that match at least one byte
	ended      bool // the last item was a "$"
	endedAny   bool // or that of an earlier alternative
	emptyAny   bool // an earlier alternative may be empty
	captures   bool // the group contains a capturing group
}

// An item is something that can be repeated.
type item struct{ empty, captures bool }

// mayBeEmpty reports whether the group, as read so far, may match the empty string.
func (b *branch) mayBeEmpty() bool { return b.emptyAny || b.taking == 0 }

// add counts an item.
func (b *branch) add(i item) {
	b.repeatable, b.last = true, i
	b.captures = b.captures || i.captures
	if !i.empty {
		b.taking++
	}
}

// flags are the current options; (?i) and (?s) are supported.
type flags struct{ fold, dotAll bool }

// A group is an open group, with the state before it.
type group struct {
	number int // 0 if it does not capture
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

// next translates the item that begins with c, which has been read.
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

// escaped translates an escape outside brackets, after its backslash.
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

// quoted reads literal text up to \E.
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

// end translates "$": the end of the text, or before its final newline. The engine has only the end
// itself, and matches the newline instead, which is equivalent if nothing follows.
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
		t.out.Write([]byte{'[', ascii.Upper(c), ascii.Lower(c), ']'})
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

// quantifier returns the repetition in braces at the beginning of rest, or the empty string.
func quantifier(rest string) string { return braces.FindString(rest) }

var braces = regexp.MustCompile(`^\{([0-9]+(,[0-9]*)?|,[0-9]+)\}`)

// The maximum repetition counts of PCRE and of the engine.
const (
	maxPCRE   = 65535
	maxRepeat = 1000
)

// bounded translates a repetition in braces, after its opening brace.
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

// repeat writes a repetition, greedy or lazy, that may match zero times if none is set, and more
// than once if more is set. The engine does not keep the captures that PCRE keeps for a group that
// is empty in its last iteration.
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

// passes reads text if it comes next, and reports whether it did.
func (t *translator) passes(text string) bool {
	if !strings.HasPrefix(t.pattern[t.at:], text) {
		return false
	}
	t.at += len(text)
	return true
}

// fail returns nginx's sentence for an error that PCRE finds at that offset.
func (t *translator) fail(message string, at int) error {
	sentence := fmt.Sprintf("pcre2_compile() failed: %s in \"%s\"", message, t.pattern)
	if at < len(t.pattern) {
		sentence += fmt.Sprintf(" at \"%s\"", t.pattern[at:])
	}
	return fmt.Errorf("%s", sentence)
}

// refuse returns the error for an unsupported construct.
func (t *translator) refuse(what, text string) error {
	return fmt.Errorf("%s \"%s\" in regular expression \"%s\" is not supported by weir", what, text, t.pattern)
}
