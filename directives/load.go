package directives

import (
	"weir/directives/conf"
	"weir/parser"
	"weir/parser/diag"
)

// Load reads the configuration of src with all that it includes, and compiles it. It opens nothing that lasts. Without a
// diagnostic of severity Emerg the Program is complete; with one it is nil, and the first such diagnostic is what nginx would
// have said.
func Load(src parser.Source, env *conf.Env) (*Program, diag.List) {
	tree, unread := parser.Load(src)
	c := conf.NewCompiler(modules, env)
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
