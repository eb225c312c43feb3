package set_test

import (
	"testing"

	"weir/stream"
	"weir/stream/modules/reply"
	"weir/stream/modules/set"
	"weir/stream/offline"
)

// assigned contains the names and values of set directives, and the text that a session returns.
type assigned struct {
	sets   [][2]string
	answer string
}

func template(t *testing.T, text string, vars *stream.VarTable) stream.Template {
	t.Helper()
	tpl, err := stream.ParseTemplate(text, vars)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func (a *assigned) session(t *testing.T) *offline.Session {
	t.Helper()
	config := stream.NewConfig()
	var h set.Handler
	for _, s := range a.sets {
		if err := config.Vars.DefineWeak(set.Variable(s[0])); err != nil {
			t.Fatal(err)
		}
		h = append(h, set.Assignment{Index: config.Vars.Index(s[0]), Value: template(t, s[1], config.Vars)})
	}
	server := &stream.Server{Content: &reply.Content{Text: template(t, a.answer, config.Vars)}}
	server.Handlers[stream.PreAccess] = []stream.Handler{h}
	if unknown := config.Vars.Resolve(); unknown != nil {
		t.Fatal(unknown)
	}
	return offline.NewSession(t, &stream.Listen{Config: config, Default: server})
}

func TestHandler(t *testing.T) {
	tests := []struct {
		name string
		assigned
		want string
	}{
		{"text", assigned{[][2]string{{"x", "1"}}, "<$x>"}, "<1>"},
		{"names without case", assigned{[][2]string{{"Word", "1"}}, "<$wORD>"}, "<1>"},
		{"the last one", assigned{[][2]string{{"x", "1"}, {"x", "2"}}, "<$x>"}, "<2>"},
		{"of another variable", assigned{[][2]string{{"x", "$remote_port"}, {"y", "$x-$x"}}, "<$y>"}, "<1000-1000>"},
		{"of one that is set later", assigned{[][2]string{{"x", "<$y>"}, {"y", "1"}}, "$x $y"}, "<> 1"},
		{"of itself", assigned{[][2]string{{"x", "a$x"}, {"x", "b$x"}}, "<$x>"}, "<ba>"},
		{"to nothing", assigned{[][2]string{{"x", "1"}, {"x", ""}}, "<$x>"}, "<>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.session(t)
			offline.Script(t, s, `accepted -> send "`+tt.want+`" within=5s`)
		})
	}
}

// If no set has run, the variable is found and empty.
func TestVariable(t *testing.T) {
	if text, ok := set.Variable("x").Get(nil); text != "" || !ok {
		t.Errorf("got %q, %v", text, ok)
	}
}
