package parser

import (
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"one line", "a b  c;d{e;}", "a b c;\nd {\n    e;\n}\n"},
		{"empty block", "a{\n\n}", "a {}\n"},
		{"nested", "a{b{c;}}", "a {\n    b {\n        c;\n    }\n}\n"},
		{"empty lines", "\n\na;\n\n\n\nb;\nc{\n\nd;\n\n}\n\n", "a;\n\nb;\nc {\n    d;\n}\n"},
		{"lines of arguments", "log_format x 'a'\n  'b' ;", "log_format x a\n    b;\n"},
		{"comments", "# a\r\n\n\n# b\nc; # d\n# e\n", "c;\n"},
		{"comment in a statement", "a # b\nc;", "a\n    c;\n"},
		{"needless quotes", `a "b" 'c';`, "a b c;\n"},
		{"needed quotes", `a "" "b c" 'd;' "#" "}" "{" '"' "'a";`, `a "" "b c" "d;" "#" "}" "{" '"' "'a";` + "\n"},
		{"hidden newline", "a\\\nb c;", "a\\\nb c;\n"},
		{"zero byte", "a \x00b;", "a \x00b;\n"},
		{"both quotes", `a "\"'";`, `a "\"'";` + "\n"},
		{"escapes", `a "\t\n" b\c '\d' "e\\";`, `a \t\n b\c \d e\\;` + "\n"},
		{"newline in quotes", "a \"b\nc d\";", `a "b\nc d";` + "\n"},
		{"backslash before n", `a b\\n;`, `a b\\n;` + "\n"},
		{"variables", `a "${b}" "c{" "$${d}";`, `a ${b} "c{" $${d};` + "\n"},
		{"hidden dollar", `a "\${b}";`, `a "\${b}";` + "\n"},
		{"regular expression", `"~^\w+\.(?<x>a{2})$" 1;`, `"~^\w+\.(?<x>a{2})$" 1;` + "\n"},
		{"word of 4095 before a brace", x(4095) + "{}", x(4095) + "{}\n"},
		{"quoted 4094 before a brace", `"` + x(4094) + `"{}`, `"` + x(4094) + `"{}` + "\n"},
		{"word of 4094 ending in a dollar", x(4093) + "$ {}", x(4093) + "$ {}\n"},
		{"newlines that would be too many", "a '" + strings.Repeat("\n", 3000) + "';", "a '" + strings.Repeat("\n", 3000) + "';\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			tree, list := Load(Source{Path: "/f", Text: []byte(row.text)})
			if list != nil {
				t.Fatal(list)
			}
			got := string(format(tree.Files[0]))
			if got != row.want {
				t.Errorf("%q: got %q, want %q", row.text, got, row.want)
			}
			checkRoundTrip(t, tree.Files[0])
		})
	}
}

// checkRoundTrip checks that formatting and parsing f gives the same directives, and that formatting
// again changes nothing.
func checkRoundTrip(t *testing.T, f *File) {
	t.Helper()
	text := format(f)
	again, fault := parse(f.Path, string(text), false)
	if fault != nil {
		t.Fatalf("%.200q became %.200q: %v", f.Raw, text, fault)
	}
	if !equal(f.Block, again.Block) {
		t.Fatalf("%.200q became %.200q: got %.200s, want %.200s", f.Raw, text, outline(again.Block), outline(f.Block))
	}
	if twice := format(again); string(twice) != string(text) {
		t.Fatalf("%.200q became %.200q and then %.200q", f.Raw, text, twice)
	}
}

// equal reports whether two blocks contain the same words.
func equal(a, b *Block) bool {
	if a == nil || b == nil {
		return a == b
	}
	if len(a.Directives) != len(b.Directives) {
		return false
	}
	for i, d := range a.Directives {
		if !sameWords(d, b.Directives[i]) || !equal(d.Body, b.Directives[i].Body) {
			return false
		}
	}
	return true
}

func sameWords(a, b *Directive) bool {
	if a.Name.Text != b.Name.Text || len(a.Args) != len(b.Args) {
		return false
	}
	for i, w := range a.Args {
		if w.Text != b.Args[i].Text {
			return false
		}
	}
	return true
}

func TestFormatWritesExpandedTree(t *testing.T) {
	tree, list := Load(Source{
		Path:     "/f",
		Text:     []byte("a {\n\ninclude b; # c\n}"),
		ReadFile: func(string) ([]byte, error) { return []byte("\n\n\n\nd 'e f';"), nil },
	})
	if list != nil {
		t.Fatal(list)
	}
	want := "a {\n    d \"e f\";\n}\n"
	if got := string(format(&File{Block: tree.Root})); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
