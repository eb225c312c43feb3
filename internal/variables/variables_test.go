package variables

import (
	"slices"
	"strings"
	"testing"
)

// show writes pieces as text: a literal as itself, a variable as <INDEX>, a group as <#NUMBER>.
func show(pieces []Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		switch {
		case p.Index == Literal:
			b.WriteString(p.Text)
		case p.Index < 0:
			b.WriteString("<#" + string(rune('0'+p.Group())) + ">")
		default:
			b.WriteString("<" + string(rune('0'+p.Index)) + ">")
		}
	}
	return b.String()
}

func TestPieces(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "", "a$a-${B}$A": "a<0>-<1><0>", "$1${1}$12": "<#1><0><#1>2", "$0": "<0>",
	} {
		table := New[int]()
		compiled, err := table.Template(text)
		if got := show(compiled.Pieces()); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
		if got, want := table.UsesCaptures(), strings.Contains(text, "$1"); got != want {
			t.Errorf("%q: captures are used: %v", text, got)
		}
	}
}

func TestFormatPieces(t *testing.T) {
	table := New[int]()
	pieces, err := table.FormatPieces([]string{"<$a", "b$1", "", "plain"})
	if got := show(pieces); err != nil || got != "<<0>b<1>plain" {
		t.Errorf("got %q, %v", got, err)
	}
	if table.UsesCaptures() {
		t.Error("$1 is a group")
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestErrors checks nginx's sentences about a string, and about the same string in a log_format.
func TestErrors(t *testing.T) {
	const name, bracket = "invalid variable name", `the closing bracket in "a" variable is missing`
	for text, want := range map[string][2]string{
		"$":    {name, `invalid parameter "$"`},
		"x${":  {name, `invalid parameter "${"`},
		"${}y": {name, `invalid parameter "${}y"`},
		"$$":   {name, `invalid parameter "$$"`},
		"${a":  {bracket, bracket}, "${a-}": {bracket, bracket},
	} {
		table := New[int]()
		_, first := table.Template(text)
		_, second := table.FormatPieces([]string{text})
		if got := [2]string{errorText(first), errorText(second)}; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := New[int]()
	for i, add := range []struct {
		name       string
		changeable bool
		want       string
	}{{"Fixed", false, ""}, {"fixed", true, `the duplicate "fixed" variable`}, {"free", true, ""}, {"FREE", true, ""}} {
		if err := table.Add(add.name, Kind{Changeable: add.changeable}, i); add.want != errorText(err) {
			t.Errorf("%s: got %v, want %q", add.name, err, add.want)
		}
	}
	table.Set("a_", Kind{IsPrefix: true}, 10)
	table.Set("a_b_", Kind{IsPrefix: true}, 11)
	for name, want := range map[string]struct {
		v    int
		rest string
		ok   bool
	}{"fixed": {0, "", true}, "free": {3, "", true}, "a_": {10, "", true}, "a_x": {10, "x", true}, "a_b_x": {11, "x", true}, "none": {}} {
		if v, rest, ok := table.Find(name); v != want.v || rest != want.rest || ok != want.ok {
			t.Errorf("%s: got %d, %q, %v", name, v, rest, ok)
		}
	}
	if table.Set("fixed", Kind{Changeable: true}, 7); !table.Changeable("FIXED") || table.Changeable("none") {
		t.Error("wrong variables are changeable")
	}
	if table.Index("B") != 0 || table.Index("b") != 0 || table.Index("a") != 1 || !table.Uses("A") || table.Uses("free") {
		t.Errorf("used: %q", table.Used())
	}
	if got := table.Names(); !slices.Equal(got, []string{"fixed", "free"}) {
		t.Errorf("got %q", got)
	}
}
