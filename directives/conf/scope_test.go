package conf

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/stream"
)

// named is a handler that is identified by its name.
type named string

func (named) Handle(*stream.Session) (stream.Verdict, error) { return stream.Next, nil }

// placing is the settings of a module with a handler in each server that has "flag on".
type placing struct{ on Opt[bool] }

func placer(name, directive string, phase stream.Phase) *Module[placing] {
	return &Module[placing]{
		Name: name,
		Entries: []Entry[placing]{
			{Name: directive, In: Stream | Server, Args: OnOff, Set: Flag(func(c *placing) *Opt[bool] { return &c.on })},
		},
		Merge: func(parent, child *placing) { child.on.Inherit(parent.on) },
		Build: func(c *placing, s *Scope) {
			if c.on.Or(false) {
				s.Handle(phase, named(name))
			}
		},
	}
}

// frame is the module of the blocks stream {} and server {}.
type frame struct{ servers []*Level }

func framer(finished func(*Compiler, *Level, []*Level)) *Module[frame] {
	m := &Module[frame]{Name: "frame"}
	m.Entries = []Entry[frame]{
		{Name: "stream", In: Main, Body: Nested, Args: None, Set: func(_ *frame, call *Call) {
			l := call.Nest(Stream)
			finished(call.Compiler(), l, At[frame](l).servers)
		}},
		{Name: "server", In: Stream, Body: Nested, Args: None, Repeat: true, Set: func(c *frame, call *Call) {
			c.servers = append(c.servers, call.Nest(Server))
		}},
	}
	return m
}

// finish compiles text with modules and returns the servers of its stream {}.
func finish(t *testing.T, text string, modules ...AnyModule) (servers []*stream.Server, c *Compiler) {
	t.Helper()
	outer := framer(func(c *Compiler, l *Level, levels []*Level) { servers = c.FinishStream(l, levels) })
	c = compile(t, text, append([]AnyModule{outer}, modules...)...)
	return servers, c
}

// TestHandlersRunAgainstTheOrderOfModules also checks that all servers have the same slots, so that
// a session can change servers.
func TestHandlersRunAgainstTheOrderOfModules(t *testing.T) {
	tests := []struct {
		name, text string
		preaccess  []string // the handlers of each server in that phase, "-" for an empty slot
		preread    []string
	}{
		{"all", "server { a on; b on; c on; }", []string{"b a"}, []string{"c"}},
		{"order of the file does not matter", "server { b on; a on; }", []string{"b a"}, []string{""}},
		{"equal length", "server { a on; } server { b on; } server { c on; } server { }",
			[]string{"- a", "b -", "- -", "- -"}, []string{"-", "-", "c", "-"}},
		{"inherited", "a on; server { } server { a off; b on; }", []string{"- a", "b -"}, []string{"", ""}},
		{"none", "server { } server { }", []string{"", ""}, []string{"", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			servers, _ := finish(t, "stream { "+tt.text+" }",
				placer("a", "a", stream.PreAccess), placer("b", "b", stream.PreAccess), placer("c", "c", stream.Preread))
			checkHandlers(t, servers, stream.PreAccess, tt.preaccess)
			checkHandlers(t, servers, stream.Preread, tt.preread)
		})
	}
}

func checkHandlers(t *testing.T, servers []*stream.Server, phase stream.Phase, want []string) {
	t.Helper()
	var got []string
	for _, s := range servers {
		var names []string
		for _, h := range s.Handlers[phase] {
			name := "-"
			if h != nil {
				name = string(h.(named))
			}
			names = append(names, name)
		}
		got = append(got, strings.Join(names, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("phase %d: got %q, want %q", phase, got, want)
	}
}

// TestFinishStreamOrder checks the order of ngx_stream_block: each module's init and its merges,
// module by module, then all builds.
func TestFinishStreamOrder(t *testing.T) {
	var calls []string
	tracer := func(name string) *Module[toyConf] {
		return &Module[toyConf]{
			Name:  name,
			Init:  func(_ *toyConf, s *Scope) { calls = append(calls, fmt.Sprintf("init %s %v", name, s.Server != nil)) },
			Merge: func(_, _ *toyConf) { calls = append(calls, "merge "+name) },
			Build: func(_ *toyConf, s *Scope) { calls = append(calls, fmt.Sprintf("build %s %v", name, s.Server != nil)) },
		}
	}
	finish(t, "stream { server { } server { } }", tracer("x"), tracer("y"))
	want := []string{
		"init x false", "merge x", "merge x", "init y false", "merge y", "merge y",
		"build x true", "build y true", "build x true", "build y true",
	}
	if !slices.Equal(calls, want) {
		t.Errorf("got %q, want %q", calls, want)
	}
}

func TestNothingIsBuiltFromARefusedConfiguration(t *testing.T) {
	built := false
	m := toy()
	m.Build = func(*toyConf, *Scope) { built = true }
	servers, c := finish(t, "stream { server { again; } }", m)
	if servers != nil || built || !c.Failed() {
		t.Errorf("got servers %v, built %v, failed %v; want none, false, true", servers, built, c.Failed())
	}
}

func TestUnknownVariablesAreReportedWithoutAPlace(t *testing.T) {
	m := &Module[toyConf]{Name: "toy", Entries: []Entry[toyConf]{{Name: "use", In: Stream, Args: Take(1), Repeat: true,
		Set: func(_ *toyConf, call *Call) { call.Template(&call.Args()[0]) }}}}
	_, c := finish(t, "stream { use $none$protocol; }", m)
	if got, want := said(c), []string{`emerg: unknown "none" variable`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
