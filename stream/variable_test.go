package stream_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// counting is a variable whose value is the number of its evaluations.
func counting(name string, n *int) stream.Variable {
	return stream.Variable{Name: name, Get: func(*stream.Session) (string, bool) {
		*n++
		return strconv.Itoa(*n), true
	}}
}

// play returns a session whose configuration has those variables and uses those names, in order.
func play(t *testing.T, define []stream.Variable, use ...string) (s *offline.Session, indexes []int) {
	t.Helper()
	config := stream.NewConfig()
	for _, v := range define {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range use {
		indexes = append(indexes, config.Vars.Index(name))
	}
	if unknown := config.Vars.Resolve(); unknown != nil {
		t.Fatalf("unknown variables %q", unknown)
	}
	l := listener()
	l.Config = config
	return offline.NewSession(t, l), indexes
}

func TestVariableIsEvaluatedOnce(t *testing.T) {
	n := 0
	s, use := play(t, []stream.Variable{counting("v", &n)}, "v", "V")
	if use[0] != use[1] {
		t.Errorf("got indexes %d and %d for one name in two spellings", use[0], use[1])
	}
	for range 3 {
		if got, ok := s.Value(use[0]); got != "1" || !ok {
			t.Errorf("got %q, %v; want 1, true", got, ok)
		}
	}
	if line, ok := s.AppendValue([]byte("v="), use[0]); string(line) != "v=1" || !ok {
		t.Errorf("got %q, %v; want v=1, true", line, ok)
	}
	if n != 1 {
		t.Errorf("evaluated %d times, want once", n)
	}
}

func TestNotFoundIsKept(t *testing.T) {
	n := 0
	s, use := play(t, []stream.Variable{{Name: "v", Get: func(*stream.Session) (string, bool) { n++; return "", false }}}, "v")
	for range 3 {
		if got, ok := s.Value(use[0]); got != "" || ok {
			t.Errorf("got %q, %v; want nothing found", got, ok)
		}
	}
	if n != 1 {
		t.Errorf("evaluated %d times, want once", n)
	}
}

func TestNoCache(t *testing.T) {
	n := 0
	v := counting("v", &n)
	v.NoCache = true
	s, use := play(t, []stream.Variable{v}, "v")
	for want := range 3 {
		if got, _ := s.Value(use[0]); got != strconv.Itoa(want+1) {
			t.Errorf("got %q, want %d", got, want+1)
		}
	}
}

// TestSessionsDoNotShareValues checks that a kept value belongs to one session.
func TestSessionsDoNotShareValues(t *testing.T) {
	n := 0
	s, use := play(t, []stream.Variable{counting("v", &n)}, "v")
	s.Value(use[0])
	other := stream.NewSession(s.Listen, s.Env, s.Client, nil)
	if got, _ := other.Value(use[0]); got != "2" {
		t.Errorf("got %q, want 2", got)
	}
}

// TestAppendAfterValue checks that a kept value takes precedence over Append.
func TestAppendAfterValue(t *testing.T) {
	s, use := play(t, nil, "bytes_sent")
	s.Traffic.ToClient.Store(5)
	s.Value(use[0])
	s.Traffic.ToClient.Store(7)
	if got, _ := s.AppendValue(nil, use[0]); string(got) != "5" {
		t.Errorf("got %s, want the early value 5", got)
	}
}

// chain returns n variables, each of which evaluates to the next one; the last is "end".
func chain(n int) []stream.Variable {
	list := make([]stream.Variable, n)
	for i := range list {
		list[i] = stream.Variable{Name: fmt.Sprint("v", i), Get: func(s *stream.Session) (string, bool) {
			if i == n-1 {
				return "end", true
			}
			return s.Value(i + 1)
		}}
	}
	return list
}

func names(list []stream.Variable) (all []string) {
	for _, v := range list {
		all = append(all, v.Name)
	}
	return all
}

func TestVariableDepth(t *testing.T) {
	tests := []struct {
		depth int
		want  string
		log   []string
	}{
		{100, "end", nil},
		{101, "", []string{`[error] *1 cycle while evaluating variable "v100"` + context}},
	}
	for _, tt := range tests {
		t.Run(strconv.Itoa(tt.depth), func(t *testing.T) {
			list := chain(tt.depth)
			s, use := play(t, list, names(list)...)
			got, ok := s.Value(use[0])
			if got != tt.want || ok != (tt.want != "") || !slices.Equal(s.Lines.All(), tt.log) {
				t.Errorf("got %q, %v, log %q; want %q, log %q", got, ok, s.Lines.All(), tt.want, tt.log)
			}
		})
	}
}

func TestCycle(t *testing.T) {
	s, use := play(t, []stream.Variable{{Name: "a", Get: func(s *stream.Session) (string, bool) { return s.Value(0) }}}, "a")
	if got, ok := s.Value(use[0]); got != "" || ok {
		t.Errorf("got %q, %v; want nothing found", got, ok)
	}
	if s.Lines.Count(`cycle while evaluating variable "a"`) != 1 {
		t.Errorf("got log %q, want the cycle once", s.Lines.All())
	}
}

// prefix is a family of variables that return the prefix and the requested suffix.
func prefix(name string) stream.Variable {
	return stream.Variable{Name: name, Bind: func(suffix string) func(*stream.Session) (string, bool) {
		return func(*stream.Session) (string, bool) { return name + "|" + suffix, true }
	}}
}

func TestPrefixes(t *testing.T) {
	exact := stream.Variable{Name: "a_b_exact", Get: func(*stream.Session) (string, bool) { return "exact", true }}
	define := []stream.Variable{prefix("a_"), prefix("a_b_"), prefix("a_b_c_"), exact}
	for _, tt := range []struct{ name, want string }{
		{"a_x", "a_|x"},
		{"a_b_x", "a_b_|x"},
		{"a_b_c_x", "a_b_c_|x"},
		{"A_B_X", "a_b_|x"},
		{"a_b_", "a_b_|"},
		{"a_b_exact", "exact"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, use := play(t, define, tt.name)
			if got, _ := s.Value(use[0]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnknownVariables(t *testing.T) {
	vars := stream.NewVarTable()
	for _, name := range []string{"zz", "protocol", "Aa", "zz", "proxy_protocol_tlv_x", "mm"} {
		vars.Index(name)
	}
	if got, want := vars.Resolve(), []string{"zz", "aa", "mm"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !vars.Uses("AA") || vars.Uses("status") {
		t.Error("Uses does not know what is used")
	}
}

func TestDefine(t *testing.T) {
	vars := stream.NewVarTable()
	mine := stream.Variable{Name: "Mine", Get: func(*stream.Session) (string, bool) { return "", true }, Changeable: true}
	for _, tt := range []struct {
		name string
		v    stream.Variable
		want string
	}{
		{"a new one", mine, "<nil>"},
		{"a changeable one again", mine, "<nil>"},
		{"one of the core", stream.Variable{Name: "STATUS"}, `the duplicate "STATUS" variable`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(vars.Define(tt.v)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPrereadIsNotKeptEarly checks that a value requested too early is found later, and so are the
// values derived from it.
func TestPrereadIsNotKeptEarly(t *testing.T) {
	config := stream.NewConfig()
	word := stream.NewKey[string]()
	get := func(s *stream.Session) (string, bool) { return word.Get(s) }
	made := func(name, of string) stream.Variable {
		tpl, err := stream.ParseTemplate(of, config.Vars)
		if err != nil {
			t.Fatal(err)
		}
		return stream.Variable{Name: name, Get: func(s *stream.Session) (string, bool) { return tpl.Eval(s), true }}
	}
	n := 0
	for _, v := range []stream.Variable{
		{Name: "word", Preread: true, Fixed: true, Get: get},
		{Name: "appended", Preread: true, Get: get, Append: func(s *stream.Session, b []byte) ([]byte, bool) {
			text, ok := get(s)
			return append(b, text...), ok
		}},
		counting("other", &n), made("mapped", "<$word>"), made("twice", "$other $mapped $appended"),
	} {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	var use []int
	for _, name := range []string{"word", "mapped", "twice", "other"} {
		use = append(use, config.Vars.Index(name))
	}
	config.Vars.Resolve()
	l := listener()
	l.Config = config
	s := offline.NewSession(t, l)
	values := func() []string {
		var all []string
		for _, i := range use {
			text, _ := s.Value(i)
			all = append(all, text)
		}
		return all
	}
	if got, want := values(), []string{"", "<>", "1 <> ", "1"}; !slices.Equal(got, want) {
		t.Errorf("before the preread: got %q, want %q", got, want)
	}
	word.Set(s.Session, "a")
	if got, want := values(), []string{"a", "<a>", "1 <a> a", "1"}; !slices.Equal(got, want) {
		t.Errorf("after the preread: got %q, want %q", got, want)
	}
}

// TestPrereadThatFindsNothing checks that a value that a preread did not find is kept once the
// phase is over.
func TestPrereadThatFindsNothing(t *testing.T) {
	n := 0
	s, use := play(t, []stream.Variable{{Name: "v", Preread: true, Get: func(*stream.Session) (string, bool) { n++; return "", false }}}, "v")
	s.Value(use[0])
	s.Advance(stream.Event{Kind: stream.Accepted})
	s.Value(use[0])
	s.Value(use[0])
	if n != 2 {
		t.Errorf("evaluated %d times, want twice", n)
	}
}
