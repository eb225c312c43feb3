package mapping

import (
	"fmt"
	"strings"

	"weir/stream"
)

// A Builder builds a Map from the lines of its block, in order. It must be used by one goroutine.
type Builder struct {
	m          *Map
	vars       *stream.VarTable
	distinct   valueSet
	hasDefault bool
}

// NewBuilder starts a Map from source. It reserves room for the given number of lines, whose keys
// have the given total number of bytes.
func NewBuilder(source stream.Template, vars *stream.VarTable, lines, bytes int) *Builder {
	b := &Builder{m: &Map{source: source, fallback: noValue}, vars: vars}
	b.m.exact.reserve(lines, bytes)
	return b
}

// Hostnames allows masks in the keys that follow.
func (b *Builder) Hostnames() { b.m.hostnames = true }

// Add maps key, as written in the block, to a value. The error is nginx's sentence.
func (b *Builder) Add(key, text string) error {
	v, err := b.distinct.add(text, b.vars)
	if err != nil {
		return err
	}
	switch {
	case key == "default":
		return b.setDefault(v)
	case strings.HasPrefix(key, "~"):
		return b.addRegex(key[1:], v)
	}
	key = strings.TrimPrefix(key, `\`)
	if b.m.hostnames {
		return b.addHostname(key, v)
	}
	return b.addTo(&b.m.exact, key, key, v)
}

// Map returns the result. The Builder must not be used after that.
func (b *Builder) Map() *Map {
	b.m.exact.trim()
	b.m.values = b.distinct.values()
	return b.m
}

func (b *Builder) setDefault(v value) error {
	if b.hasDefault {
		return fmt.Errorf("duplicate default map parameter")
	}
	b.m.fallback, b.hasDefault = v, true
	return nil
}

func (b *Builder) addRegex(pattern string, v value) error {
	pattern, fold := strings.CutPrefix(pattern, "*")
	re, err := b.vars.Regex(pattern, fold)
	if err != nil {
		return err
	}
	b.m.regexes = append(b.m.regexes, rule{re, v})
	return nil
}

// addHostname adds a key that may be a mask, by the rules of ngx_hash_add_key. ".x" means x and
// *.x.
func (b *Builder) addHostname(key string, v value) error {
	stars := strings.Count(key, "*")
	if stars > 1 || strings.Contains(key, "..") {
		return fmt.Errorf("invalid hostname or wildcard \"%s\"", key)
	}
	switch {
	case len(key) > 1 && key[0] == '.':
		if err := b.addTo(&b.m.exact, key[1:], key, v); err != nil {
			return err
		}
		return b.addTo(&b.m.suffixes, key[1:], key, v)
	case len(key) > 2 && strings.HasPrefix(key, "*."):
		return b.addTo(&b.m.suffixes, key[2:], key, v)
	case len(key) > 2 && strings.HasSuffix(key, ".*"):
		return b.addTo(&b.m.prefixes, key[:len(key)-2], key, v)
	case stars > 0:
		return fmt.Errorf("invalid hostname or wildcard \"%s\"", key)
	}
	return b.addTo(&b.m.exact, key, key, v)
}

// addTo adds part of key to a table. As in nginx the error has the key in lower case.
func (b *Builder) addTo(t *table, part, key string, v value) error {
	added, err := t.add(part, v)
	if err == nil && !added {
		return fmt.Errorf("conflicting parameter \"%s\"", lowered(key))
	}
	return err
}

// lowered returns text with its ASCII letters in lower case.
func lowered(text string) string {
	b := []byte(text)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}
