package diag

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestExplain renders the case of each archive in testdata: the comment contains the column and the hint,
// "line" the source as a Go string.
func TestExplain(t *testing.T) {
	paths, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { explainGolden(t, path) })
	}
}

func explainGolden(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	column, hint, _ := strings.Cut(strings.TrimSuffix(string(archive.Comment), "\n"), " ")
	d := Diagnostic{Pos: Position{"/etc/nginx/nginx.conf", 12, 0}, Hint: hint}
	if d.Pos.Col, err = strconv.Atoi(column); err != nil {
		t.Fatal(err)
	}
	line, err := strconv.Unquote(strings.TrimSuffix(string(archive.Files[0].Data), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := d.Explain(line)
	if *update {
		archive.Files = append(archive.Files[:1], txtar.File{Name: "shown", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(archive.Files[1].Data); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestExplainIsBounded(t *testing.T) {
	line := strings.Repeat("\x01\u202e", 1<<16)
	for _, col := range []int{1, 7, len(line) / 2, len(line), len(line) + 1} {
		got := Diagnostic{Pos: Position{"f", 1, col}}.Explain(line)
		if len(got) > 1000 || strings.ContainsAny(got, "\x01\u202e") {
			t.Errorf("column %d: got %d bytes: %q", col, len(got), got[:min(len(got), 200)])
		}
	}
	if got := (Diagnostic{Pos: Position{"f", 1, 9}}).Explain("short"); got != "" {
		t.Errorf("got %q for a column beyond the line", got)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"proxy_pass", "proxy_timeout", "preread_timeout", "listen", "server", "set", "allow"}
	for word, want := range map[string]string{
		"proxy_timout": "proxy_timeout", "prxoy_pass": "proxy_pass", "lissten": "listen", "Listen": "listen", "sevrer": "server",
		"sett": "set", "alow": "allow", "server": "", "location": "", "": "", "x": "", strings.Repeat("a", 1000): "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abcd", "badc", 2}, {"kitten", "sitting", 3},
	} {
		if got := distance(row.a, row.b, 10); got != row.want {
			t.Errorf("%q to %q: got %d, want %d", row.a, row.b, got, row.want)
		}
	}
}
