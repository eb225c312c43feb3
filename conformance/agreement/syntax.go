package main

import "strings"

// A sequence is a part of a directive's syntax: its elements stand one after the other.
type sequence []*element

// An element is a word of the syntax or a part of one.
type element struct {
	kind elementKind
	text string     // of a word that stands for itself; the name of a hole, such as "size"
	in   []sequence // what may stand for a choice; what an option may add
}

type elementKind int

const (
	literal elementKind = iota
	blank               // between words
	hole                // <size>: a word of that kind
	option              // [...]
	choice              // one | other
)

// A syntaxReader reads the notation of the documentation: <value>, [optional], one | other, and words that stand for themselves. Of
// "more ..." one is enough.
type syntaxReader struct{ rest string }

func parseSyntax(text string) sequence {
	r := syntaxReader{text}
	return r.alternatives()
}

// alternatives reads sequences with bars between them, up to the end or a closing bracket.
func (r *syntaxReader) alternatives() sequence {
	all := []sequence{r.sequence()}
	for strings.HasPrefix(r.rest, "| ") {
		r.rest = r.rest[2:]
		all = append(all, r.sequence())
	}
	if len(all) == 1 {
		return all[0]
	}
	return sequence{{kind: choice, in: all}}
}

func (r *syntaxReader) sequence() (s sequence) {
	for r.rest != "" && r.rest[0] != ']' && !strings.HasPrefix(r.rest, "| ") {
		s = append(s, r.element())
	}
	return s
}

func (r *syntaxReader) element() *element {
	switch {
	case strings.HasPrefix(r.rest, " ..."):
		r.rest = r.rest[len(" ..."):]
		return &element{kind: blank}
	case r.rest[0] == ' ':
		r.rest = r.rest[1:]
		return &element{kind: blank}
	case r.rest[0] == '<':
		name, rest, _ := strings.Cut(r.rest[1:], ">")
		r.rest = rest
		return &element{kind: hole, text: name}
	case r.rest[0] == '[':
		r.rest = r.rest[1:]
		e := &element{kind: option, in: []sequence{r.alternatives()}}
		r.rest = strings.TrimPrefix(r.rest, "]")
		return e
	}
	end := strings.IndexAny(r.rest, " <[]")
	if end < 0 {
		end = len(r.rest)
	}
	e := &element{kind: literal, text: r.rest[:end]}
	r.rest = r.rest[end:]
	return e
}

// A chooser decides what becomes of a syntax when it is written out.
type chooser interface {
	take(option *element) bool
	pick(choice *element) sequence
	word(e *element) string // for a hole or a literal
}

// gap stands between the words of what is being written out: words may hold blanks.
const gap = "\x00"

// write writes the sequence out, and returns its words as a configuration has them.
func (s sequence) write(c chooser) []string {
	return strings.FieldsFunc(s.text(c), func(r rune) bool { return string(r) == gap })
}

func (s sequence) text(c chooser) string {
	var b strings.Builder
	for _, e := range s {
		switch e.kind {
		case blank:
			b.WriteString(gap)
		case literal, hole:
			b.WriteString(c.word(e))
		case choice:
			b.WriteString(c.pick(e).text(c))
		case option:
			if c.take(e) {
				b.WriteString(e.in[0].text(c))
			}
		}
	}
	return b.String()
}

// words lists the holes and literals of the sequence, inner ones included.
func (s sequence) words() (all []*element) {
	for _, e := range s {
		if e.kind == hole || e.kind == literal {
			all = append(all, e)
		}
		for _, inner := range e.in {
			all = append(all, inner.words()...)
		}
	}
	return all
}

// has reports whether e is in the sequence.
func (s sequence) has(e *element) bool {
	for _, w := range s.words() {
		if w == e {
			return true
		}
	}
	return false
}

// plainly is the chooser of the shortest right form: no options, of each choice the first, of each kind the usual word. At one element,
// if there is one, another word stands.
type plainly struct {
	at      *element
	instead string
}

func (p plainly) take(e *element) bool { return p.at != nil && e.in[0].has(p.at) }

func (p plainly) pick(e *element) sequence {
	for _, s := range e.in {
		if p.at != nil && s.has(p.at) {
			return s
		}
	}
	return e.in[0]
}

func (p plainly) word(e *element) string {
	switch {
	case e == p.at:
		return p.instead
	case e.kind == hole:
		return kindOf(e.text).right[0]
	}
	return e.text
}
