package directives

import (
	"weir/directives/conf"
	"weir/parser"
	"weir/parser/diag"
)

// Load reads the configuration of src with all its includes, and compiles it. It leaves nothing
// open. The Program is nil if there is a diagnostic of severity Emerg, and complete otherwise; the
// first such diagnostic is the one that nginx would print.
func Load(src parser.Source, env *conf.Env) (*Program, diag.List) {
	tree, unread := parser.Load(src)
	c := newCompiler(modules, env)
	c.Elsewhere = elsewhere
	c.Hints = hints
	c.Walk(tree.Root)
	diags := append(c.Diagnostics(), unread...)
	if diags.HasEmerg() {
		return nil, diags
	}
	p := compileMain(c)
	p.Tree = tree
	p.Diagnostics = c.Diagnostics()
	if c.Failed() {
		return nil, p.Diagnostics
	}
	return p, p.Diagnostics
}

// newCompiler returns a compiler with an empty Config.
func newCompiler(modules []conf.Module, env *conf.Env) *conf.Compiler {
	c := conf.NewCompiler(modules, env)
	process := conf.At[processConf](c.Main)
	process.config, process.web = newConfig(modules), newWeb(modules)
	return c
}
