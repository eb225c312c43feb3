package regex

import (
	"slices"
	"strings"
)

// refusedGroups are the groups that the engine does not support, with their names.
var refusedGroups = []struct{ prefix, name string }{
	{"*", "verb"},
	{"?=", "look-ahead"}, {"?!", "look-ahead"}, {"?<=", "look-behind"}, {"?<!", "look-behind"}, {"?>", "atomic group"},
	{"?|", "branch reset"}, {"?(", "condition"}, {"?C", "callout"}, {"?P=", "back-reference"},
	{"?R", "recursion"}, {"?&", "recursion"}, {"?P>", "recursion"}, {"?+", "recursion"},
	{"?-0", "recursion"}, {"?-1", "recursion"}, {"?-2", "recursion"}, {"?-3", "recursion"}, {"?-4", "recursion"}, {"?-5", "recursion"},
	{"?-6", "recursion"}, {"?-7", "recursion"}, {"?-8", "recursion"}, {"?-9", "recursion"},
	{"?0", "recursion"}, {"?1", "recursion"}, {"?2", "recursion"}, {"?3", "recursion"}, {"?4", "recursion"}, {"?5", "recursion"},
	{"?6", "recursion"}, {"?7", "recursion"}, {"?8", "recursion"}, {"?9", "recursion"},
}

// openGroup translates a group after its opening parenthesis.
func (t *translator) openGroup() error {
	for _, g := range refusedGroups {
		if strings.HasPrefix(t.pattern[t.at:], g.prefix) {
			return t.refuse(g.name, "("+g.prefix)
		}
	}
	if t.passes("?#") {
		return t.comment()
	}
	if t.ended {
		return t.refuse("end of text before the end", "$")
	}
	switch {
	case t.passes("?:"):
		return t.push(0, "(?:")
	case t.passes("?P<"), t.passes("?<"):
		return t.groupName('>')
	case t.passes("?'"):
		return t.groupName('\'')
	case t.passes("?"):
		return t.options()
	}
	return t.capture()
}

func (t *translator) comment() error {
	n := strings.IndexByte(t.pattern[t.at:], ')')
	if n < 0 {
		return t.fail("missing ) after (?# comment", len(t.pattern))
	}
	t.at += n + 1
	return nil
}

func (t *translator) capture() error {
	t.count++
	t.groups = append(t.groups, t.count)
	return t.push(len(t.groups)-1, "(")
}

// push enters a group. number is 0 if it does not capture.
func (t *translator) push(number int, text string) error {
	t.open = append(t.open, group{number, t.flags, t.branch})
	t.branch = branch{captures: number > 0}
	t.out.WriteString(text)
	return nil
}

func (t *translator) closeGroup() error {
	if len(t.open) == 0 {
		return t.fail("unmatched closing parenthesis", t.at-1)
	}
	g := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	inner := t.branch
	t.flags, t.branch = g.flags, g.branch
	t.ended = inner.ended || inner.endedAny
	t.add(item{empty: inner.mayBeEmpty(), captures: inner.captures})
	t.out.WriteByte(')')
	return nil
}

// maxName is the maximum length of a name in PCRE.
const maxName = 32

// groupName reads the name of a group and the closing character.
func (t *translator) groupName(closing byte) error {
	start := t.at
	for t.at < len(t.pattern) && word[t.pattern[t.at]] {
		t.at++
	}
	name := t.pattern[start:t.at]
	switch {
	case name != "" && digits[name[0]]:
		return t.fail("subpattern name must start with a non-digit", start)
	case t.at == len(t.pattern) || t.pattern[t.at] != closing:
		return t.fail("syntax error in subpattern name (missing terminator?)", t.at)
	case name == "":
		return t.fail("subpattern name expected", t.at)
	case len(name) > maxName:
		return t.fail("subpattern name is too long (maximum 32 code units)", start+maxName+1)
	}
	t.at++
	if slices.ContainsFunc(t.names, func(n Name) bool { return n.Text == name }) {
		return t.fail("two named subpatterns have the same name (PCRE2_DUPNAMES not set)", t.at)
	}
	t.names = append(t.names, Name{name, len(t.groups)})
	return t.capture()
}

// options reads (?i), (?i: and similar options, for the rest of the group or for a group of their
// own.
func (t *translator) options() error {
	start, on, was := t.at, true, t.flags
	for ; t.at < len(t.pattern); t.at++ {
		switch t.pattern[t.at] {
		case '-':
			on = false
		case 'i':
			t.fold = on
		case 's':
			t.dotAll = on
		case ')':
			t.at++
			t.repeatable = false
			return nil
		case ':':
			t.at++
			now := t.flags
			t.flags = was
			err := t.push(0, "(?:")
			t.flags = now
			return err
		case 'm', 'x', 'n', 'U', 'J', 'a', '^':
			return t.refuse("option", "(?"+t.pattern[start:t.at+1])
		default:
			return t.fail("unrecognized character after (? or (?-", t.at)
		}
	}
	return t.fail("missing closing parenthesis", t.at)
}
