package regex

import "strings"

// class reads a bracket class after its opening bracket.
func (t *translator) class() error {
	start := t.at - 1
	if _, end := t.named(start); end > 0 {
		return t.fail("POSIX named classes are supported only within a class", start)
	}
	negated := t.passes("^")
	var s set
	for first := true; ; first = false {
		if t.at == len(t.pattern) {
			return t.fail("missing terminating ] for character class", t.at)
		}
		if t.pattern[t.at] == ']' && !first {
			t.at++
			break
		}
		if err := t.classItem(&s); err != nil {
			return err
		}
	}
	if t.fold {
		s.fold()
	}
	if negated {
		s = *s.negated()
	}
	return t.writeSet(&s)
}

// classItem adds one byte, range or class to s.
func (t *translator) classItem(s *set) error {
	lo, err := t.classAtom()
	if err != nil {
		return err
	}
	if !t.isRange() {
		if lo.set != nil {
			s.addAll(lo.set)
		} else {
			s[lo.char] = true
		}
		return nil
	}
	if lo.set != nil {
		return t.fail("invalid range in character class", t.at)
	}
	t.at++
	high := t.at
	hi, err := t.classAtom()
	switch {
	case err != nil:
		return err
	case hi.set != nil:
		return t.fail("invalid range in character class", t.at)
	case hi.char < lo.char:
		return t.fail("range out of order in character class", high)
	}
	s.addRange(lo.char, hi.char)
	return nil
}

// isRange reports whether a hyphen follows that is not the last of its class.
func (t *translator) isRange() bool {
	rest := t.pattern[t.at:]
	return len(rest) > 1 && rest[0] == '-' && rest[1] != ']'
}

// classAtom reads a byte or a class within brackets.
func (t *translator) classAtom() (escape, error) {
	if s, end := t.named(t.at); end > 0 {
		if s == nil {
			return escape{}, t.fail("unknown POSIX class name", t.at+2)
		}
		t.at = end
		return escape{set: s}, nil
	}
	c := t.pattern[t.at]
	t.at++
	if c != '\\' {
		return escape{char: c}, nil
	}
	rest := t.pattern[t.at:]
	switch {
	case strings.HasPrefix(rest, "b"):
		t.at++
		return escape{char: '\b'}, nil
	case rest != "" && '1' <= rest[0] && rest[0] <= '7':
		n := t.number(8, 3)
		if n > 255 {
			return escape{}, t.fail(`octal value is greater than \377 in 8-bit non-UTF-8 mode`, t.at)
		}
		return escape{char: byte(n)}, nil
	case rest != "" && strings.IndexByte("QEBAzZ", rest[0]) >= 0:
		return escape{}, t.refuse("within a class", `\`+rest[:1])
	}
	return t.escape()
}

// named reads a class such as [:alpha:] that begins at i, and returns its end: 0 if none begins
// there. A nil set means that the class does not exist.
func (t *translator) named(i int) (s *set, end int) {
	rest := t.pattern[i:]
	if len(rest) < 4 || rest[0] != '[' || strings.IndexByte(":.=", rest[1]) < 0 {
		return nil, 0
	}
	n := strings.Index(rest[2:], rest[1:2]+"]")
	if n < 0 || strings.ContainsAny(rest[2:2+n], `[]\`) {
		return nil, 0
	}
	name := rest[2 : 2+n]
	bare := strings.TrimPrefix(name, "^")
	s = posix[bare]
	if t.fold && (bare == "lower" || bare == "upper") {
		s = posix["alpha"] // also for letters that are not in it
	}
	switch {
	case s == nil || rest[1] != ':':
		s = nil
	case bare != name:
		s = s.negated()
	}
	return s, i + n + 4
}
