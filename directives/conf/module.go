package conf

import "weir/stream"

// A Module implements one page of nginx's documentation. C is its settings at one level of the
// configuration: main, stream, a server, an upstream. The zero value of C must mean that no
// directive was given.
type Module[C any] struct {
	Name    string // as nginx's documentation, "ngx_stream_proxy_module"
	Entries []Entry[C]
	Vars    []stream.Variable
	// Init runs once, at the end of stream {}, on the settings of that level (nginx: init_main_conf).
	Init func(c *C, s *Scope)
	// Merge completes child, a server's settings, from parent, those of stream {} (nginx: merge_srv_conf). It is called for every
	// server after all of stream {} has been read.
	Merge func(parent, child *C)
	// Build turns the merged settings of a server into handlers, content and loggers.
	Build func(c *C, s *Scope)
}

// At returns the settings of type C at that level. Exactly one of the compiled modules must have
// that type. The settings may be changed while compiling.
func At[C any](l *Level) *C {
	for i, m := range l.compile.modules {
		if _, ok := m.(*Module[C]); ok {
			return l.at(i).(*C)
		}
	}
	panic("spec: no module has settings of that type")
}

// An AnyModule is a *Module[C] of any C.
type AnyModule interface {
	name() string
	rows(index int) []*Row
	variables() []stream.Variable
	newConf() any
	init(conf any, s *Scope)
	merge(parent, child any)
	build(conf any, s *Scope)
}

func (m *Module[C]) name() string                 { return m.Name }
func (m *Module[C]) variables() []stream.Variable { return m.Vars }
func (m *Module[C]) newConf() any                 { return new(C) }

func (m *Module[C]) rows(index int) []*Row {
	rows := make([]*Row, len(m.Entries))
	for i, e := range m.Entries {
		rows[i] = &Row{
			Module: m.Name, Name: e.Name, In: e.In, Args: e.Args, Body: e.Body, Default: e.Default, Repeat: e.Repeat,
			Support: e.Support, Extension: e.Extension, Own: e.Own, module: index,
		}
		if e.Set != nil {
			rows[i].set = func(conf any, c *Call) { e.Set(conf.(*C), c) }
		}
	}
	return rows
}

func (m *Module[C]) init(conf any, s *Scope) {
	if m.Init != nil {
		m.Init(conf.(*C), s)
	}
}

func (m *Module[C]) merge(parent, child any) {
	if m.Merge != nil {
		m.Merge(parent.(*C), child.(*C))
	}
}

func (m *Module[C]) build(conf any, s *Scope) {
	if m.Build != nil {
		m.Build(conf.(*C), s)
	}
}

// Rows lists the directives of modules, in order.
func Rows(modules []AnyModule) []*Row {
	var all []*Row
	for i, m := range modules {
		all = append(all, m.rows(i)...)
	}
	return all
}
