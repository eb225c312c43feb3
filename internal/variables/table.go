// Package variables contains what the variables of stream {} and those of http {} have in common: their names,
// and the strings that refer to them.
package variables

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Table contains the variables of one configuration: the defined ones by name, without regard to case, and
// the used names by index. It is filled while compiling, by one goroutine, and read-only afterwards.
type Table[V any] struct {
	defined  map[string]definition[V]
	prefixes []prefixed[V]
	index    map[string]int
	used     []string
	captures bool // a template refers to a group
}

type definition[V any] struct {
	variable   V
	changeable bool
}

type prefixed[V any] struct {
	prefix   string
	variable V
}

// New returns an empty Table.
func New[V any]() Table[V] {
	return Table[V]{defined: map[string]definition[V]{}, index: map[string]int{}}
}

// A Kind is how a variable is defined.
type Kind struct {
	Changeable bool // it may be defined again
	IsPrefix   bool // it is defined for all names with the prefix that no other variable has
}

// Add defines v. It fails with nginx's sentence if a variable that is not changeable has the name.
func (t *Table[V]) Add(name string, k Kind, v V) error {
	if old, ok := t.defined[strings.ToLower(name)]; ok && !k.IsPrefix && !old.changeable {
		return fmt.Errorf("the duplicate \"%s\" variable", name)
	}
	t.Set(name, k, v)
	return nil
}

// Set defines v in place of any variable of that name.
func (t *Table[V]) Set(name string, k Kind, v V) {
	if k.IsPrefix {
		t.prefixes = append(t.prefixes, prefixed[V]{name, v})
		return
	}
	t.defined[strings.ToLower(name)] = definition[V]{v, k.Changeable}
}

// Changeable reports whether a variable of exactly that name is defined and may be defined again.
func (t *Table[V]) Changeable(name string) bool { return t.defined[strings.ToLower(name)].changeable }

// Names lists the defined variables in alphabetical order, without prefixes.
func (t *Table[V]) Names() []string { return slices.Sorted(maps.Keys(t.defined)) }

// Find returns the variable of a name in lower case: the one with exactly that name, otherwise the one with the
// longest prefix of it, and the rest of the name.
func (t *Table[V]) Find(name string) (v V, rest string, found bool) {
	if d, ok := t.defined[name]; ok {
		return d.variable, "", true
	}
	longest := -1
	for _, p := range t.prefixes {
		if strings.HasPrefix(name, p.prefix) && len(p.prefix) > longest {
			v, longest = p.variable, len(p.prefix)
		}
	}
	if longest < 0 {
		return v, "", false
	}
	return v, name[longest:], true
}

// Index returns the number of a name, which is used from now on, whether or not it is defined yet.
func (t *Table[V]) Index(name string) int {
	name = strings.ToLower(name)
	if i, ok := t.index[name]; ok {
		return i
	}
	i := len(t.used)
	t.index[name] = i
	t.used = append(t.used, name)
	return i
}

// Uses reports whether the configuration uses the variable of that name.
func (t *Table[V]) Uses(name string) bool {
	_, ok := t.index[strings.ToLower(name)]
	return ok
}

// Used lists the used names in lower case, by index.
func (t *Table[V]) Used() []string { return t.used }

// UsesCaptures reports whether a template refers to a group of a regular expression by its number.
func (t *Table[V]) UsesCaptures() bool { return t.captures }
