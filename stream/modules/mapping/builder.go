package mapping

import (
	"errors"
	"fmt"
	"strings"

	"weir/internal/ascii"
	"weir/internal/hostname"
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
	b.m.keys.Reserve(lines, bytes)
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
		return sentence(b.m.keys.Add(key, uint32(v)), key)
	}
	return sentence(b.m.keys.AddText(key, uint32(v)), key)
}

var errTooLarge = errors.New("map texts of more than 4G are not supported by weir")

// sentence returns nginx's sentence for an error of the table. As in nginx a key that is already
// there is shown in lower case.
func sentence(err error, key string) error {
	switch {
	case errors.Is(err, hostname.ErrInvalid):
		return fmt.Errorf("invalid hostname or wildcard \"%s\"", key)
	case errors.Is(err, hostname.ErrTaken):
		return fmt.Errorf("conflicting parameter \"%s\"", ascii.ToLower(key))
	case errors.Is(err, hostname.ErrTooLarge):
		return errTooLarge
	}
	return err
}

// Map returns the result. The Builder must not be used after that.
func (b *Builder) Map() *Map {
	b.m.keys.Trim()
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
