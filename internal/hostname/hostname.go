// Package hostname finds host names in a table of names and wildcards by nginx's rules, ignoring the
// case of ASCII letters.
package hostname

import (
	"errors"
	"strings"

	"weir/internal/ascii"
)

// The errors of a Table.
var (
	ErrInvalid  = errors.New("invalid host name or wildcard")
	ErrTaken    = errors.New("conflicting host name")
	ErrTooLarge = errors.New("too many host names")
)

// A Table maps host names to numbers. Wildcards may begin or end a name: *.example.com and
// www.example.*. The zero Table is empty. A lookup does not change the Table.
type Table struct {
	exact    texts
	heads    texts               // of *.x and .x, by x
	tails    texts               // of x.*, by x
	reserved map[string]struct{} // exact names without a number, in lower case; nil if there are none
}

// Reserve makes room for the given number of exact names of that total number of bytes.
func (t *Table) Reserve(names, bytes int) { t.exact.reserve(names, bytes) }

// Trim releases the memory reserved for more exact names, unless it is little.
func (t *Table) Trim() { t.exact.trim() }

// AddText maps text itself: a star in it is no wildcard.
func (t *Table) AddText(text string, number uint32) error {
	if _, reserved := t.reserved[ascii.ToLower(text)]; reserved {
		return ErrTaken
	}
	return t.exact.insert(text, number)
}

// Add maps a name or wildcard. ".example.com" means example.com and *.example.com; if only the
// second exists already, example.com is reserved without a number. It follows ngx_hash_add_key.
func (t *Table) Add(name string, number uint32) error {
	stars := strings.Count(name, "*")
	if stars > 1 || strings.Contains(name, "..") || strings.Contains(name, "\x00") {
		return ErrInvalid
	}
	switch {
	case len(name) > 1 && name[0] == '.':
		return t.addDomain(name[1:], number)
	case len(name) > 2 && strings.HasPrefix(name, "*."):
		return t.heads.insert(name[2:], number)
	case len(name) > 2 && strings.HasSuffix(name, ".*"):
		return t.tails.insert(name[:len(name)-2], number)
	case stars > 0:
		return ErrInvalid
	}
	return t.AddText(name, number)
}

func (t *Table) addDomain(domain string, number uint32) error {
	if _, exists := t.heads.find(domain); !exists {
		if err := t.AddText(domain, number); err != nil {
			return err
		}
		return t.heads.insert(domain, number)
	}
	if _, exists := t.exact.find(domain); !exists {
		t.reserve(domain)
	}
	return ErrTaken
}

func (t *Table) reserve(name string) {
	if t.reserved == nil {
		t.reserved = map[string]struct{}{}
	}
	t.reserved[ascii.ToLower(name)] = struct{}{}
}

// Find returns the number of a name: by the exact name, then by the longest wildcard at its
// beginning, then by the longest at its end. It does not allocate.
func (t *Table) Find(name string) (number uint32, ok bool) {
	if number, ok = t.exact.find(name); ok {
		return number, true
	}
	if number, ok = t.findHead(name); ok {
		return number, true
	}
	return t.findTail(name)
}

// findHead finds the longest of the wildcards *.x. It checks at most as many labels as the wildcards
// have, however many a client sends.
func (t *Table) findHead(name string) (longest uint32, found bool) {
	i := len(name)
	for range t.heads.labels {
		if i = strings.LastIndexByte(name[:i], '.'); i < 0 {
			break
		}
		if number, ok := t.heads.find(name[i+1:]); ok {
			longest, found = number, true
		}
	}
	return longest, found
}

// findTail finds the longest of the wildcards x.*.
func (t *Table) findTail(name string) (longest uint32, found bool) {
	end := 0
	for range t.tails.labels {
		n := strings.IndexByte(name[end:], '.')
		if n < 0 {
			break
		}
		if number, ok := t.tails.find(name[:end+n]); ok {
			longest, found = number, true
		}
		end += n + 1
	}
	return longest, found
}
