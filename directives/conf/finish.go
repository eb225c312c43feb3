package conf

// A Builder makes the results of a block that contains servers, such as stream {}.
type Builder interface {
	// Init is called for each module before its settings are merged (nginx: init_main_conf).
	Init(m Module)
	// Complete is called for each server after the settings of a module have been merged, unless there
	// is an error.
	Complete(server *Level, m Module)
	// Merged is called after the settings of all modules have been merged.
	Merged()
	// Build is called for each module of each server, with the index of the module in the list, if
	// there is no error.
	Build(server *Level, module int, m Module)
}

// Finish ends a block that contains servers: first, in the order of the modules, the Init of each one
// and the merge of its settings for every server; then the Build of each module for every server,
// server by server. The block must be the parent of all servers. Finish reports whether everything was
// built.
func (c *Compiler) Finish(block *Level, servers []*Level, b Builder) bool {
	for i, m := range c.modules {
		b.Init(m)
		c.merge(i, block, servers)
		c.complete(m, servers, b)
	}
	b.Merged()
	if c.Failed() {
		return false
	}
	for _, server := range servers {
		for i, m := range c.modules {
			b.Build(server, i, m)
		}
	}
	return true
}

func (c *Compiler) complete(m Module, servers []*Level, b Builder) {
	for _, server := range servers {
		if c.Failed() {
			return
		}
		b.Complete(server, m)
	}
}

// merge merges the settings that a module has both in the block and in its servers, and then those of the
// blocks in the servers.
func (c *Compiler) merge(module int, block *Level, servers []*Level) {
	for i, t := range c.tables {
		if t.module != module {
			continue
		}
		for _, server := range servers {
			mergeTable(i, t, block, server)
		}
	}
}

// mergeTable merges the settings of one table from outer to inner, and from there into the blocks within.
func mergeTable(i int, t placedTable, outer, inner *Level) {
	if t.of()&outer.Context == 0 || t.of()&inner.Context == 0 {
		return
	}
	t.merge(outer.at(i), inner.at(i))
	for _, l := range inner.Inner {
		mergeTable(i, t, inner, l)
	}
}
