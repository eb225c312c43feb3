package conf

import "fmt"

// A Module implements one page of nginx's documentation.
type Module interface {
	// Page returns the name of the module, "ngx_stream_proxy_module", and its tables. It returns
	// equal tables each time.
	Page() (name string, tables []Table)
}

// A CoreModule is a module of the process: no servers inherit its settings.
type CoreModule struct {
	Name   string
	Tables []Table
}

// Page implements Module.
func (m *CoreModule) Page() (string, []Table) { return m.Name, m.Tables }

// Settings are a Table of directives that set values of type C. Each level of the kinds in Of has one
// value of C; its zero value must mean that no directive was given.
type Settings[C any] struct {
	Of      Context // contains the contexts of all Entries with a Set
	Entries []Entry[C]
	// Merge completes inner, the settings of a server, from outer, those of the block around it
	// (nginx: merge_srv_conf). nil leaves them unchanged.
	Merge func(outer, inner *C)
}

// A Table is a *Settings[C] of any C.
type Table interface {
	of() Context
	rows(module string, table int) []*Row
	create() any
	merge(outer, inner any)
}

func (s *Settings[C]) of() Context { return s.Of }
func (s *Settings[C]) create() any { return new(C) }

func (s *Settings[C]) rows(module string, table int) []*Row {
	rows := make([]*Row, len(s.Entries))
	for i, e := range s.Entries {
		rows[i] = &Row{
			Module: module, Name: e.Name, In: e.In, Args: e.Args, Body: e.Body, Default: e.Default, Repeat: e.Repeat,
			Support: e.Support, Extension: e.Extension, Own: e.Own, table: table,
		}
		if e.Set == nil {
			continue
		}
		if e.In&^s.Of != 0 {
			panic(fmt.Sprintf("conf: \"%s\" sets %T where no level has one", e.Name, *new(C)))
		}
		rows[i].set = func(settings any, c *Call) { e.Set(settings.(*C), c) }
	}
	return rows
}

func (s *Settings[C]) merge(outer, inner any) {
	if s.Merge != nil {
		s.Merge(outer.(*C), inner.(*C))
	}
}

// At returns the settings of type C of the level, or else of the innermost level around it that has
// them. Exactly one table of the compiled modules must have that type. The settings may be changed
// while compiling.
func At[C any](l *Level) *C {
	for i, t := range l.compile.tables {
		if _, ok := t.Table.(*Settings[C]); !ok {
			continue
		}
		for at := l; at != nil; at = at.Parent {
			if t.of()&at.Context != 0 {
				return at.at(i).(*C)
			}
		}
	}
	panic(fmt.Sprintf("conf: no settings of type %T here", *new(C)))
}

// Rows lists the directives of modules, in order.
func Rows(modules []Module) []*Row {
	var all []*Row
	for i, t := range tablesOf(modules) {
		name, _ := modules[t.module].Page()
		all = append(all, t.rows(name, i)...)
	}
	return all
}

// A placedTable is a table with the index of its module.
type placedTable struct {
	Table
	module int
}

func tablesOf(modules []Module) []placedTable {
	var all []placedTable
	for i, m := range modules {
		_, tables := m.Page()
		for _, t := range tables {
			all = append(all, placedTable{t, i})
		}
	}
	return all
}
