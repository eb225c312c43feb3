package directives

import (
	"slices"
	"strings"
	"testing"

	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
)

// named is a handler that is identified by its name.
type named string

func (named) Handle(*stream.Session) (stream.Verdict, error) { return stream.Next, nil }

// placing is the settings of a module with a handler in each server that has its directive on. Of makes
// a type for each module.
type placing[Of any] struct{ on conf.Opt[bool] }

func placer[Of any](name string, phase stream.Phase) conf.Module {
	return &streamModule[none, placing[Of]]{
		Name: name,
		Server: []conf.Entry[placing[Of]]{
			{Name: name, In: either, Args: conf.OnOff, Set: conf.Flag(func(c *placing[Of]) *conf.Opt[bool] { return &c.on })},
		},
		Merge: func(outer, inner *placing[Of]) { inner.on.Inherit(outer.on) },
		Build: func(c *placing[Of], s *serverBuild) {
			if c.on.Or(false) {
				s.handle(phase, named(name))
			}
		},
	}
}

// compileServers compiles stream {} with the modules after those of the core, and returns its servers.
func compileServers(t *testing.T, text string, more ...conf.Module) []*stream.Server {
	t.Helper()
	tree, unread := parser.Load(parser.Source{Path: "/p/nginx.conf", Text: []byte("stream { " + text + " }")})
	c := newCompiler(append([]conf.Module{coreModule, streamBlockModule, streamCoreModule}, more...), testEnv())
	c.Walk(tree.Root)
	if err := append(c.Diagnostics(), unread...).Err(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var servers []*stream.Server
	for _, l := range configOf(c.Main).Listens {
		servers = append(servers, l.Default)
	}
	return servers
}

// TestHandlersRunAgainstTheOrderOfModules also checks that all servers have the same slots, so that
// a session can change servers.
func TestHandlersRunAgainstTheOrderOfModules(t *testing.T) {
	tests := []struct {
		name, text string
		preaccess  []string // the handlers of each server in that phase, "-" for an empty slot
		preread    []string
	}{
		{"all", "server { listen 1; a on; b on; c on; }", []string{"b a"}, []string{"c"}},
		{"order of the file does not matter", "server { listen 1; b on; a on; }", []string{"b a"}, []string{""}},
		{"equal length", "server { listen 1; a on; } server { listen 2; b on; } server { listen 3; c on; } server { listen 4; }",
			[]string{"- a", "b -", "- -", "- -"}, []string{"-", "-", "c", "-"}},
		{"inherited", "a on; server { listen 1; } server { listen 2; a off; b on; }", []string{"- a", "b -"}, []string{"", ""}},
		{"none", "server { listen 1; } server { listen 2; }", []string{"", ""}, []string{"", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			servers := compileServers(t, tt.text, placer[int8]("a", stream.PreAccess), placer[int16]("b", stream.PreAccess),
				placer[int32]("c", stream.Preread))
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
