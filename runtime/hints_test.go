package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/parser/diag"
)

func TestLineOf(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	for _, row := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"first", "a\nb\n", 1, "a"},
		{"second", "a\nb\n", 2, "b"},
		{"last, unended", "a\nb", 2, "b"},
		{"beyond", "a\nb\n", 4, ""},
		{"long", long + "\nb", 1, long[:maxLine]},
		{"after a long one", long + "\nb", 2, "b"},
		{"empty", "", 1, ""},
	} {
		if got := lineOf(strings.NewReader(row.text), row.n); got != row.want {
			t.Errorf("%s: got %d bytes, %.20q, want %d, %.20q", row.name, len(got), got, len(row.want), row.want)
		}
	}
}

func TestHintsAreShownOnTerminalsOnly(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(file) || isTerminal(&bytes.Buffer{}) {
		t.Error("a file or a buffer is taken for a terminal")
	}
	if newHinter(Options{}) != nil || newHinter(Options{Hints: true}) == nil {
		t.Error("-hints does not decide")
	}
}

func TestHintWithoutSource(t *testing.T) {
	h := &hinter{}
	d := diag.Diagnostic{Pos: diag.Position{File: filepath.Join(t.TempDir(), "gone"), Line: 1, Col: 1}, Hint: "a hint"}
	if got, want := h.explain(d), "  a hint\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
