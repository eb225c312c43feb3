package conf

import (
	"testing"
	"time"

	"weir/parser"
)

// toyConf is the settings of a test module: every kind of setter, and a record of the calls.
type toyConf struct {
	called []string

	flag   Opt[bool]
	size   Opt[int64]
	offset Opt[int64]
	number Opt[int64]
	msec   Opt[time.Duration]
	text   Opt[string]
	enum   Opt[int]
}

func (c *toyConf) note(call *Call) { c.called = append(c.called, call.Dir.Name.Text) }

// anywhere is the levels of the blocks that tests have.
const anywhere = Main | Stream | Server

// toy returns a module with every kind of directive.
func toy() Module {
	return module("toy", &Settings[toyConf]{
		Of: anywhere,
		Entries: []Entry[toyConf]{
			{Name: "block", In: Main, Args: None, Body: Nested, Set: func(_ *toyConf, call *Call) { call.Nest(Stream) }},
			{Name: "named", In: Main, Args: Take(1), Body: Pairs, Set: (*toyConf).note},
			{Name: "bare", In: Main, Args: None, Set: (*toyConf).note},
			{Name: "some", In: Main, Args: Take(1, 3), Set: (*toyConf).note},
			{Name: "many", In: Main, Args: AtLeast(2), Set: (*toyConf).note},
			{Name: "any", In: Main, Args: AtLeast(0), Repeat: true, Set: (*toyConf).note},
			{Name: "again", In: anywhere, Args: Take(1), Repeat: true, Set: (*toyConf).note},
			{Name: "inner", In: Stream, Args: Take(1), Set: (*toyConf).note},
			{Name: "mute", In: Main, Args: Take(1), Support: Inert},
			{Name: "later", In: Main, Args: Take(1), Support: Refused},
			{Name: "laters", In: Main, Args: Take(1), Body: Pairs, Repeat: true, Support: Refused},
			{Name: "twin", In: Main, Args: Take(1), Set: (*toyConf).note},
			{Name: "twin", In: Stream, Args: Take(2), Set: (*toyConf).note},
			{Name: "alien", In: Foreign, Support: Refused},

			{Name: "flag", In: anywhere, Args: OnOff, Set: Flag(func(c *toyConf) *Opt[bool] { return &c.flag })},
			{Name: "size", In: Main, Args: Take(1), Set: Size(func(c *toyConf) *Opt[int64] { return &c.size })},
			{Name: "offset", In: Main, Args: Take(1), Set: Offset(func(c *toyConf) *Opt[int64] { return &c.offset })},
			{Name: "number", In: Main, Args: Take(1), Set: Number(func(c *toyConf) *Opt[int64] { return &c.number })},
			{Name: "msec", In: Main, Args: Take(1), Set: Msec(func(c *toyConf) *Opt[time.Duration] { return &c.msec })},
			{Name: "string", In: Main, Args: Take(1), Set: String(func(c *toyConf) *Opt[string] { return &c.text })},
			{Name: "enum", In: Main, Args: Take(1),
				Set: Enum(func(c *toyConf) *Opt[int] { return &c.enum }, map[string]int{"one": 1, "two": 2})},
		},
	})
}

// module returns a module of that name.
func module(name string, tables ...Table) Module { return &CoreModule{Name: name, Tables: tables} }

// compile compiles text as /t.conf, with the tables of modules.
func compile(t *testing.T, text string, modules ...Module) *Compiler {
	t.Helper()
	tree, unread := parser.Load(parser.Source{Path: "/t.conf", Text: []byte(text)})
	if len(unread) > 0 {
		t.Fatalf("reading %q: %v", text, unread)
	}
	c := NewCompiler(modules, &Env{})
	c.Walk(tree.Root)
	return c
}

// said returns the diagnostics of a compiler, one a line.
func said(c *Compiler) []string {
	var lines []string
	for _, d := range c.Diagnostics() {
		lines = append(lines, d.Severity.String()+": "+d.Error())
	}
	return lines
}
