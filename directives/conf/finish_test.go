package conf

import (
	"fmt"
	"slices"
	"testing"
)

// blocks is the settings of a module with the blocks stream {} and server {}.
type blocks struct{ servers []*Level }

// framer returns a module with the blocks stream {} and server {}, which calls finished at the end of
// stream {}.
func framer(finished func(stream *Level, servers []*Level)) Module {
	return module("frame",
		&Settings[struct{}]{Of: Main, Entries: []Entry[struct{}]{
			{Name: "stream", In: Main, Body: Nested, Args: None, Set: func(_ *struct{}, call *Call) {
				l := call.Nest(Stream)
				finished(l, At[blocks](l).servers)
			}},
		}},
		&Settings[blocks]{Of: Stream, Entries: []Entry[blocks]{
			{Name: "server", In: Stream, Body: Nested, Args: None, Repeat: true, Set: func(c *blocks, call *Call) {
				c.servers = append(c.servers, call.Nest(Server))
			}},
		}},
	)
}

// A tracer is a Builder that records what is called.
type tracer struct {
	calls []string
	names []string // of the modules to record
	on    func(server *Level) bool
}

func (r *tracer) note(m Module, format string, args ...any) {
	if name, _ := m.Page(); slices.Contains(r.names, name) {
		r.calls = append(r.calls, fmt.Sprintf(format, args...)+" "+name)
	}
}

func (r *tracer) Init(m Module)               { r.note(m, "init") }
func (r *tracer) Complete(_ *Level, m Module) { r.note(m, "complete") }
func (r *tracer) Merged()                     { r.calls = append(r.calls, "merged") }
func (r *tracer) Build(server *Level, module int, m Module) {
	r.note(m, "build %v %d", r.on != nil && r.on(server), module)
}

// finish compiles text with modules, and reports whether the servers of its stream {} were built by b.
func finish(t *testing.T, b Builder, text string, modules ...Module) (built bool, c *Compiler) {
	t.Helper()
	outer := framer(func(l *Level, servers []*Level) { built = l.compile.Finish(l, servers, b) })
	c = compile(t, text, append([]Module{outer}, modules...)...)
	return built, c
}

// first and second are the settings of servers.
type (
	first  struct{ on Opt[bool] }
	second struct{ on Opt[bool] }
)

// TestFinishOrder checks the order of ngx_stream_block: each module's init and its merges, module by
// module, then all builds, server by server.
func TestFinishOrder(t *testing.T) {
	r := &tracer{names: []string{"x", "y"}}
	x := module("x", &Settings[first]{Of: Stream | Server, Entries: []Entry[first]{
		{Name: "x", In: Stream | Server, Args: OnOff, Set: Flag(func(c *first) *Opt[bool] { return &c.on })},
	}, Merge: func(outer, inner *first) {
		r.calls = append(r.calls, "merge x")
		inner.on.Inherit(outer.on)
	}})
	y := module("y", &Settings[second]{Of: Stream | Server, Merge: func(_, _ *second) { r.calls = append(r.calls, "merge y") }})
	r.on = func(server *Level) bool { return At[first](server).on.Or(false) }
	built, _ := finish(t, r, "stream { server { } x on; server { x off; } }", x, y)
	want := []string{
		"init x", "merge x", "merge x", "complete x", "complete x", "init y", "merge y", "merge y", "complete y", "complete y", "merged",
		"build true 1 x", "build true 2 y", "build false 1 x", "build false 2 y",
	}
	if !built || !slices.Equal(r.calls, want) {
		t.Errorf("got %v, %q, want %q", built, r.calls, want)
	}
}

// TestFinishMergesWhatBothLevelsHave checks that settings of one level only are not merged.
func TestFinishMergesWhatBothLevelsHave(t *testing.T) {
	merged := func(_, _ *first) { t.Error("merged settings that a server does not have") }
	alone := func(_, _ *second) { t.Error("merged settings that stream {} does not have") }
	m := module("m", &Settings[first]{Of: Stream, Merge: merged}, &Settings[second]{Of: Server, Merge: alone})
	if built, c := finish(t, &tracer{}, "stream { server { } }", m); !built {
		t.Errorf("not built: %q", said(c))
	}
}

func TestNothingIsBuiltFromARefusedConfiguration(t *testing.T) {
	r := &tracer{names: []string{"toy"}}
	built, c := finish(t, r, "stream { server { again; } }", toy())
	if want := []string{"init toy", "merged"}; built || !c.Failed() || !slices.Equal(r.calls, want) {
		t.Errorf("got built %v, failed %v, calls %q; want false, true, %q", built, c.Failed(), r.calls, want)
	}
}

// TestAtFindsTheInnermostLevel reads the settings of one type that stands for the whole of stream {},
// and of one that each server has for itself.
func TestAtFindsTheInnermostLevel(t *testing.T) {
	note := func(_ *second, call *Call) {
		At[first](call.Level).on.Set(true)
		At[second](call.Level).on.Set(true)
		At[toyConf](call.Level).note(call)
	}
	m := module("m",
		&Settings[first]{Of: Stream},
		&Settings[second]{Of: Stream | Server, Entries: []Entry[second]{{Name: "x", In: Stream | Server, Args: None, Set: note}}},
		&Settings[toyConf]{Of: Main},
	)
	var whole, inherited, own bool
	outer := framer(func(l *Level, servers []*Level) {
		whole, inherited, own = At[first](servers[1]).on.IsSet(), At[second](l).on.IsSet(), At[second](servers[0]).on.IsSet()
	})
	c := compile(t, "stream { server { x; } server { } }", outer, m)
	if !whole || inherited || !own {
		t.Errorf("set for stream {} as a whole: %v, as a default of servers: %v, for the server: %v; want true, false, true",
			whole, inherited, own)
	}
	if got := At[toyConf](c.Main).called; !slices.Equal(got, []string{"x"}) {
		t.Errorf("at the main level: got %q", got)
	}
}

func TestAtPanicsOutsideOfTheLevels(t *testing.T) {
	c := compile(t, "", module("m", &Settings[first]{Of: Stream}))
	checkPanic(t, "conf: no settings of type conf.first here", func() { At[first](c.Main) })
	checkPanic(t, "conf: no settings of type conf.second here", func() { At[second](c.Main) })
}

// TestSetterNeedsSettings checks that a row whose setter would get the settings of no level is refused
// when the tables are read, and that a row without a setter needs none.
func TestSetterNeedsSettings(t *testing.T) {
	row := Entry[first]{Name: "x", In: Stream | Upstream, Support: Inert}
	Rows([]Module{module("m", &Settings[first]{Of: Stream, Entries: []Entry[first]{row}})})
	row.Set = func(*first, *Call) {}
	m := module("m", &Settings[first]{Of: Stream, Entries: []Entry[first]{row}})
	checkPanic(t, `conf: "x" sets conf.first where no level has one`, func() { NewCompiler([]Module{m}, &Env{}) })
}

func checkPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("got the panic %v, want %q", got, want)
		}
	}()
	f()
}

func TestUnknownVariablesAreReportedWithoutAPlace(t *testing.T) {
	c := compile(t, "bare;\nagain a${none};", toy())
	c.ReportUnknownVariable("none", []string{"name", "nine"})
	d := c.Diagnostics()[0]
	if got, want := d.Error(), `unknown "none" variable`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if d.Pos.Line != 2 || d.Hint != `did you mean "$nine"?` {
		t.Errorf("got line %d and the hint %q", d.Pos.Line, d.Hint)
	}
}
