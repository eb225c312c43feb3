package conf

import (
	"fmt"

	"weir/parser"
)

// A Level is one block of the configuration, or the main level, with the settings of every module
// there.
type Level struct {
	Context Context
	Parent  *Level            // nil for the main level
	Dir     *parser.Directive // opened the block; nil for the main level

	compile *Compiler
	confs   []any // by module, made on first use
	seen    map[*Row]bool
}

func (c *Compiler) newLevel(ctx Context, parent *Level, dir *parser.Directive) *Level {
	return &Level{Context: ctx, Parent: parent, Dir: dir, compile: c, confs: make([]any, len(c.modules)), seen: map[*Row]bool{}}
}

func (l *Level) at(module int) any {
	if l.confs[module] == nil {
		l.confs[module] = l.compile.modules[module].newConf()
	}
	return l.confs[module]
}

// Origin returns "FILE:LINE" of the brace that opened the level.
func (l *Level) Origin() string { return fmt.Sprintf("%s:%d", l.Dir.End.File, l.Dir.End.Line) }
