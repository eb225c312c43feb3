package conf

import (
	"slices"
	"strings"
	"testing"
)

// TestWalk compares the messages, their lines and their order with ngx_conf_handler: name, context,
// ending, number of arguments, support, duplicate.
func TestWalk(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"right", "bare; some a; many a b; named a { x y; }", nil},
		{"unknown name", "\nnone;", []string{`emerg: unknown directive "none" in /t.conf:2`}},
		{"unknown name of a block", "none {}", []string{`emerg: unknown directive "none" in /t.conf:1`}},
		{"name in another case", "Bare;", []string{`emerg: unknown directive "Bare" in /t.conf:1`}},
		{"place", "inner a;", []string{`emerg: "inner" directive is not allowed here in /t.conf:1`}},
		{"place of what is skipped", "alien;", []string{`emerg: "alien" directive is not allowed here in /t.conf:1`}},
		{"place before ending and number", "inner { }", []string{`emerg: "inner" directive is not allowed here in /t.conf:1`}},
		{"line where the directive ends", "bare\na\n;", []string{`emerg: invalid number of arguments in "bare" directive in /t.conf:3`}},
		{"block for a simple one", "bare {}", []string{`emerg: directive "bare" is not terminated by ";" in /t.conf:1`}},
		{"no block", "named a;", []string{`emerg: directive "named" has no opening "{" in /t.conf:1`}},
		{"ending before number", "bare a {}", []string{`emerg: directive "bare" is not terminated by ";" in /t.conf:1`}},
		{"too few", "some;", []string{`emerg: invalid number of arguments in "some" directive in /t.conf:1`}},
		{"a gap", "some a b;", []string{`emerg: invalid number of arguments in "some" directive in /t.conf:1`}},
		{"beyond the gap", "some a b c;", nil},
		{"too many", "some a b c d;", []string{`emerg: invalid number of arguments in "some" directive in /t.conf:1`}},
		{"too few of many", "many a;", []string{`emerg: invalid number of arguments in "many" directive in /t.conf:1`}},
		{"any number", "any; any a; any " + strings.Repeat("a ", 40) + ";", nil},
		{"an empty argument counts", `some "";`, nil},
		{"number before support", "later;", []string{`emerg: invalid number of arguments in "later" directive in /t.conf:1`}},
		{"not served", "later a;", []string{`emerg: "later" directive is not supported by weir yet in /t.conf:1`}},
		{"not served, a block", "laters a {\n}", []string{`emerg: "laters" directive is not supported by weir yet in /t.conf:1`}},
		{"duplicate", "bare;\nbare;", []string{`emerg: "bare" directive is duplicate in /t.conf:2`}},
		{"duplicate without a setter", "mute a;\nmute a;", []string{`emerg: "mute" directive is duplicate in /t.conf:2`}},
		{"repeatable", "again a; again a;", nil},
		{"once in each level", "flag on; block { flag on; }", nil},
		{"two rows of a name", "twin a; block { twin a b; }", nil},
		{"the other row's number", "twin a b;", []string{`emerg: invalid number of arguments in "twin" directive in /t.conf:1`}},
		{"continues after an error", "none;\nbare a;\nbare;", []string{
			`emerg: unknown directive "none" in /t.conf:1`,
			`emerg: invalid number of arguments in "bare" directive in /t.conf:2`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := said(compile(t, tt.text, toy())); !slices.Equal(got, tt.want) {
				t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestWalkCallsSettersInOrder(t *testing.T) {
	m := toy()
	c := compile(t, "again a; bare; none; again b; block { inner a; } many a b;", m)
	if got, want := At[toyConf](c.Main).called, []string{"again", "bare", "again", "many"}; !slices.Equal(got, want) {
		t.Errorf("called %q at the main level, want %q", got, want)
	}
}

func TestWalkDoesNotCallSettersOfWrongDirectives(t *testing.T) {
	for _, text := range []string{"bare a;", "bare {}", "bare; bare;", "inner a;"} {
		m := toy()
		c := compile(t, text, m)
		if got := At[toyConf](c.Main).called; len(got) > 1 || len(got) == 1 && text != "bare; bare;" {
			t.Errorf("%q called %q", text, got)
		}
	}
}

func TestCallPlaces(t *testing.T) {
	var origin, end string
	m := module("toy", &Settings[toyConf]{Of: Main, Entries: []Entry[toyConf]{
		{Name: "b", In: Main, Args: Take(1), Body: Pairs, Set: func(_ *toyConf, call *Call) {
			origin, end = call.Origin(), call.EndLine().Origin()
		}},
	}})
	compile(t, "b\na\n{\n\n}", m)
	if origin != "/t.conf:3" || end != "/t.conf:5" {
		t.Errorf("got origin %s and end %s, want /t.conf:3 and /t.conf:5", origin, end)
	}
}

func TestDiagnosticsNameTheWord(t *testing.T) {
	c := compile(t, "again a;\n  flag\n  maybe\n;", toy())
	d := c.Diagnostics()[0]
	if d.Pos.Line != 3 || d.Pos.Col != 3 || d.Line != 4 {
		t.Errorf("got position %v and line %d, want 3:3 and line 4", d.Pos, d.Line)
	}
}
