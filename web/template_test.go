package web

import "testing"

func TestTemplateErrors(t *testing.T) {
	for text, want := range map[string]string{
		"$":     "invalid variable name",
		"a$-":   "invalid variable name",
		"${a":   `the closing bracket in "a" variable is missing`,
		"${}":   "invalid variable name",
		"${a-}": `the closing bracket in "a" variable is missing`,
	} {
		_, err := ParseTemplate(text, NewVarTable())
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// request returns a request with those arguments, after the variables have been resolved.
func request(t *testing.T, vars *VarTable, args string) *Request {
	t.Helper()
	if unknown := vars.Resolve(); unknown != nil {
		t.Fatalf("unknown variables %q", unknown)
	}
	return &Request{listen: &Listen{Config: &Config{Vars: vars}}, Location: &Location{}, Args: args}
}

func TestTemplate(t *testing.T) {
	vars := NewVarTable()
	tpl, err := ParseTemplate("<$arg_a-${arg_B}b$1$args>", vars)
	if err != nil {
		t.Fatal(err)
	}
	re, err := vars.Regex("^x(.)(?<named>.)", false)
	if err != nil {
		t.Fatal(err)
	}
	named, _ := ParseTemplate("$named", vars)
	r := request(t, vars, "A=1&b=2&a=3")
	if !re.Match(r, "xyz") {
		t.Fatal("no match")
	}
	if got, want := tpl.Eval(r), "<1-2byA=1&b=2&a=3>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := named.Eval(r); got != "z" {
		t.Errorf("the named group is %q", got)
	}
}

func TestCycleOfVariablesEnds(t *testing.T) {
	vars := NewVarTable()
	index := vars.Index("a")
	calls := 0
	if err := vars.Define(Variable{Name: "a", NoCache: true, Get: func(r *Request) (string, bool) {
		calls++
		return r.Value(index)
	}}); err != nil {
		t.Fatal(err)
	}
	request(t, vars, "").Value(index)
	if calls != maxDepth {
		t.Errorf("%d evaluations, want %d", calls, maxDepth)
	}
}

func TestEvalPath(t *testing.T) {
	vars := NewVarTable()
	tpl, err := ParseTemplate("/logs/$arg_f.log", vars)
	if err != nil {
		t.Fatal(err)
	}
	vars.Resolve()
	for args, want := range map[string]bool{"f=a": true, "f=a/b": false, "f=..": false, "f=a\x00": false, "": true} {
		if _, ok := tpl.EvalPath(request(t, vars, args)); ok != want {
			t.Errorf("%q: got %v", args, ok)
		}
	}
}

func TestChangeableVariables(t *testing.T) {
	vars := NewVarTable()
	if err := vars.Define(Variable{Name: "Host"}); err == nil || err.Error() != `the duplicate "Host" variable` {
		t.Errorf("got %v", err)
	}
	if !vars.Changeable("args") || vars.Changeable("host") || vars.Changeable("nothing") {
		t.Error("wrong variables are changeable")
	}
}
