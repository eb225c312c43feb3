package conf

import (
	"fmt"

	"weir/parser"
)

// A Level is one block of the configuration, or the main level, with its settings of every table that
// applies there.
type Level struct {
	Context Context
	Parent  *Level            // nil for the main level
	Dir     *parser.Directive // opened the block; nil for the main level
	Inner   []*Level          // the blocks in it, in order

	compile  *Compiler
	settings []any // by table, made on first use
	seen     map[*Row]bool
}

func (c *Compiler) newLevel(ctx Context, parent *Level, dir *parser.Directive) *Level {
	l := &Level{Context: ctx, Parent: parent, Dir: dir, compile: c, settings: make([]any, len(c.tables)), seen: map[*Row]bool{}}
	if parent != nil {
		parent.Inner = append(parent.Inner, l)
	}
	return l
}

func (l *Level) at(table int) any {
	if l.settings[table] == nil {
		l.settings[table] = l.compile.tables[table].create()
	}
	return l.settings[table]
}

// Origin returns "FILE:LINE" of the brace that opened the level.
func (l *Level) Origin() string { return fmt.Sprintf("%s:%d", l.Dir.End.File, l.Dir.End.Line) }
