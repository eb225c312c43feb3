package ciphers

import (
	"errors"
	"slices"
	"strings"
)

// A List is the value of a cipher list of OpenSSL. It has no ciphers of TLS 1.3, which OpenSSL
// configures apart from the others.
type List struct {
	// Names are the ciphers in order of preference.
	Names []string
	// Suites are those of Names that crypto/tls has, in the same order. It has those of CBC with
	// SHA-256 without protection against timing attacks; they are used only if the list names them.
	Suites []uint16
	// Missing are the ciphers that the list itself names, in Names, and that crypto/tls does not
	// have. A class such as HIGH adds none.
	Missing []string
	// Level is the security level that @SECLEVEL sets, or DefaultLevel.
	Level int
}

// DefaultLevel is the security level without @SECLEVEL: that of Debian's builds of OpenSSL, and of
// OpenSSL itself since 3.2.
const DefaultLevel = 2

// Errors of Parse; their texts are those of OpenSSL.
var (
	ErrNoMatch        = errors.New("error:0A0000B9:SSL routines::no cipher match")
	ErrInvalidCommand = errors.New("error:0A000118:SSL routines::invalid command")
)

// openSSLDefault is the list that DEFAULT stands for.
const openSSLDefault = "ALL:!COMPLEMENTOFDEFAULT:!eNULL"

// Parse evaluates a list as OpenSSL's SSL_CTX_set_cipher_list does. A name that OpenSSL does not know
// is ignored. Follows ssl_cipher_process_rulestr.
func Parse(text string) (List, error) {
	e := newEvaluation()
	rest, isDefault := strings.CutPrefix(text, "DEFAULT")
	if isDefault {
		e.rules(openSSLDefault)
		rest = strings.TrimPrefix(rest, ":")
	}
	e.rules(rest)
	if e.invalid {
		return List{}, ErrInvalidCommand
	}
	l := e.list()
	if len(l.Names) == 0 {
		return List{}, ErrNoMatch
	}
	return l, nil
}

// An evaluation is the state of a list between two of its elements: the ciphers in their order, and
// which of them are in the list.
type evaluation struct {
	order   []*cipher
	active  map[*cipher]bool
	named   map[*cipher]bool // named by an element of the list
	level   int
	invalid bool
}

func newEvaluation() *evaluation {
	e := &evaluation{active: map[*cipher]bool{}, named: map[*cipher]bool{}, level: DefaultLevel}
	for i := range table {
		e.order = append(e.order, &table[i])
	}
	return e
}

func (e *evaluation) list() List {
	l := List{Level: e.level}
	for _, c := range e.order {
		switch {
		case !e.active[c]:
			continue
		case implemented(c.id):
			if !isUnprotected(c) || e.named[c] {
				l.Suites = append(l.Suites, c.id)
			}
		case e.named[c]:
			l.Missing = append(l.Missing, c.name)
		}
		l.Names = append(l.Names, c.name)
	}
	return l
}

// separators end an element of a list.
const separators = ": ;,"

func (e *evaluation) rules(text string) {
	for text != "" {
		if strings.IndexByte(separators, text[0]) >= 0 {
			text = text[1:]
			continue
		}
		text = e.element(text)
	}
}

// element applies the first element of text and returns the text after it. An operator applies to all
// names that are joined by plus signs.
func (e *evaluation) element(text string) string {
	var operator byte
	if strings.IndexByte("-+!@", text[0]) >= 0 {
		operator, text = text[0], text[1:]
	}
	if operator == '@' {
		name, rest := cutName(text)
		if !e.command(name) {
			e.invalid = true
		}
		return afterElement(rest)
	}
	sel, named, rest, known := selection(text)
	if rest == text { // neither a name nor a separator
		e.invalid = true
		return ""
	}
	if !known {
		return afterElement(rest)
	}
	e.apply(operator, sel)
	if operator == 0 && named != nil {
		e.named[named] = true
	}
	return rest
}

func (e *evaluation) command(name string) bool {
	if name == "STRENGTH" {
		e.sortByStrength()
		return true
	}
	digit, isLevel := strings.CutPrefix(name, "SECLEVEL=")
	if !isLevel || len(digit) != 1 || digit[0] < '0' || digit[0] > '5' {
		return false
	}
	e.level = int(digit[0] - '0')
	return true
}

// selection reads names that are joined by plus signs. known is false if one of them is unknown, or
// if two of them exclude each other. named is the cipher of which the selection is the name.
func selection(text string) (sel criteria, named *cipher, rest string, known bool) {
	rest = text
	for {
		var name string
		name, rest = cutName(rest)
		if name == "" {
			return criteria{}, nil, rest, false
		}
		more := strings.HasPrefix(rest, "+")
		if more {
			rest = rest[1:]
		}
		next, c, ok := lookUp(name)
		if !ok || !sel.narrow(next) {
			return criteria{}, nil, rest, false
		}
		if !more {
			return sel, c, rest, true
		}
	}
}

func cutName(text string) (name, rest string) {
	n := 0
	for n < len(text) && isNameByte(text[n]) {
		n++
	}
	return text[:n], text[n:]
}

func isNameByte(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '='
}

func afterElement(text string) string {
	if i := strings.IndexAny(text, separators); i >= 0 {
		return text[i:]
	}
	return ""
}

// apply does for the selected ciphers: without an operator, add those that are not in the list at its
// end; -, remove them; +, move them to the end; !, remove them for good.
func (e *evaluation) apply(operator byte, sel criteria) {
	var moved, others []*cipher
	for _, c := range e.order {
		if sel.matches(c) && (operator == '!' || e.active[c] == (operator != 0)) {
			moved = append(moved, c)
		} else {
			others = append(others, c)
		}
	}
	switch operator {
	case '!':
		for _, c := range moved {
			delete(e.active, c)
		}
		e.order = others
		return
	case '-':
		e.order = slices.Concat(moved, others)
	default:
		e.order = slices.Concat(others, moved)
	}
	for _, c := range moved {
		e.active[c] = operator != '-'
	}
}

// sortByStrength moves the ciphers of the list, the strongest first, to its end.
func (e *evaluation) sortByStrength() {
	var sorted, others []*cipher
	for _, c := range e.order {
		if e.active[c] {
			sorted = append(sorted, c)
		} else {
			others = append(others, c)
		}
	}
	slices.SortStableFunc(sorted, func(a, b *cipher) int { return b.bits - a.bits })
	e.order = slices.Concat(others, sorted)
}
