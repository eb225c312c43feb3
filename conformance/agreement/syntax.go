package main

import (
	"slices"
	"strings"
)

// A sequence is a part of a directive's syntax: its elements follow one another.
type sequence []*element

// An element is a word of the syntax or a part of one.
type element struct {
	kind elementKind
	text string     // the literal word, or the name of a placeholder, such as "size"
	in   []sequence // the alternatives of a choice, or the content of an option
}

type elementKind int

const (
	literal elementKind = iota
	blank               // between words
	hole                // <size>: a word of that kind
	option              // [...]
	choice              // one | other
)

// A syntaxReader parses the notation of the documentation: <value>, [optional], one | other, and
// literal words. One word is enough for "more ...".
type syntaxReader struct{ rest string }

func parseSyntax(text string) sequence {
	r := syntaxReader{text}
	return r.alternatives()
}

// alternatives parses sequences separated by bars, up to the end or a closing bracket.
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

// A chooser decides how a syntax is written out.
type chooser interface {
	take(option *element) bool
	pick(choice *element) sequence
	word(e *element) string // for a hole or a literal
}

// gap separates the words while writing, because words may contain blanks.
const gap = "\x00"

// write writes the sequence and returns its words as in a configuration.
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

// words lists the placeholders and literals of the sequence, including nested ones.
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
	return slices.Contains(s.words(), e)
}

// plainChooser is the chooser of the shortest valid form: no options, the first alternative of each
// choice, the usual word of each kind. At one element, if set, it writes another word.
type plainChooser struct {
	at      *element
	instead string
}

func (p plainChooser) take(e *element) bool { return p.at != nil && e.in[0].has(p.at) }

func (p plainChooser) pick(e *element) sequence {
	for _, s := range e.in {
		if p.at != nil && s.has(p.at) {
			return s
		}
	}
	return e.in[0]
}

func (p plainChooser) word(e *element) string {
	switch {
	case e == p.at:
		return p.instead
	case e.kind == hole:
		return kindOf(e.text).right[0]
	}
	return e.text
}
