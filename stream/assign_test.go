package stream_test

import (
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// textual is a variable that always has that text.
func textual(name, text string) stream.Variable {
	return stream.Variable{Name: name, Changeable: true, NoCache: true, Get: func(*stream.Session) (string, bool) { return text, true }}
}

func TestDefineWeak(t *testing.T) {
	tests := []struct {
		name   string
		define func(*stream.VarTable) error
		want   string
		err    string
	}{
		{"new", func(t *stream.VarTable) error { return t.DefineWeak(textual("x", "weak")) }, "weak", ""},
		{"after another", func(t *stream.VarTable) error {
			if err := t.Define(textual("x", "strong")); err != nil {
				return err
			}
			return t.DefineWeak(textual("X", "weak"))
		}, "strong", ""},
		{"before another", func(t *stream.VarTable) error {
			if err := t.DefineWeak(textual("x", "weak")); err != nil {
				return err
			}
			return t.Define(textual("X", "strong"))
		}, "strong", ""},
		{"of the core", func(t *stream.VarTable) error { return t.DefineWeak(textual("status", "weak")) }, "", `the duplicate "status" variable`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listener()
			l.Config = stream.NewConfig()
			err := tt.define(l.Config.Vars)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			i := l.Config.Vars.Index("x")
			l.Config.Vars.Resolve()
			if got, _ := offline.NewSession(t, l).Value(i); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAssign(t *testing.T) {
	l := listener()
	l.Config = stream.NewConfig()
	i := l.Config.Vars.Index("status")
	l.Config.Vars.Resolve()
	s := offline.NewSession(t, l)
	for _, want := range []string{"one", "two", ""} {
		s.Assign(i, want)
		if got, ok := s.Value(i); got != want || !ok {
			t.Errorf("got %q, %v, want %q", got, ok, want)
		}
		if got, ok := s.AppendValue([]byte("$"), i); string(got) != "$"+want || !ok {
			t.Errorf("got %q, %v, want %q", got, ok, "$"+want)
		}
	}
}
