package stream_test

import (
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// match returns a session whose configuration uses the template and a regular expression.
func match(t *testing.T, pattern, template string) (*offline.Session, *stream.Regex, stream.Template) {
	t.Helper()
	config := stream.NewConfig()
	re, err := config.Vars.Regex(pattern, false)
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := stream.ParseTemplate(template, config.Vars)
	if err != nil {
		t.Fatal(err)
	}
	if unknown := config.Vars.Resolve(); unknown != nil {
		t.Fatalf("unknown variables %q", unknown)
	}
	l := listener()
	l.Config = config
	return offline.NewSession(t, l), re, tpl
}

// TestRegexSetsGroups also checks that a group's variable is not found before the match and changes
// after each match.
func TestRegexSetsGroups(t *testing.T) {
	s, re, tpl := match(t, `^(?<Kind>[a-z]+)-(\d+)(x)?`, "$kind/$1/$2/$3/$4")
	for _, step := range []struct {
		text  string
		match bool
		want  string
	}{
		{"nothing", false, "////"},
		{"dev-17", true, "dev/dev/17//"},
		{"nothing", false, "dev/dev/17//"},
		{"test-4x", true, "test/test/4/x/"},
	} {
		if got := re.Match(s.Session, step.text); got != step.match {
			t.Errorf("%q: got %v, want %v", step.text, got, step.match)
		}
		if got := tpl.Eval(s.Session); got != step.want {
			t.Errorf("%q: got %q, want %q", step.text, got, step.want)
		}
	}
}

func TestRegexNamesTaken(t *testing.T) {
	_, err := stream.NewVarTable().Regex("(?<protocol>a)", false)
	if err == nil || err.Error() != `the duplicate "protocol" variable` {
		t.Errorf("got %v", err)
	}
}

// TestRegexWithoutUse checks that unused groups cost nothing.
func TestRegexWithoutUse(t *testing.T) {
	s, re, _ := match(t, `^(dev|test)-(\d+)$`, "$protocol")
	if n := testing.AllocsPerRun(100, func() { re.Match(s.Session, "dev-17") }); n > 0 {
		t.Errorf("got %.0f allocations", n)
	}
}
