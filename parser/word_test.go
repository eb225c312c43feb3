package parser

import (
	"strings"
	"testing"
)

// words lists single words as written, and their values.
var words = []struct{ name, raw, want string }{
	{"plain", `abc`, `abc`},
	{"byte order mark", "\ufeffevents", "\ufeffevents"},
	{"quoted", `"abc"`, `abc`},
	{"single quoted", `'abc'`, `abc`},
	{"the other quote inside", `"a'b"`, `a'b`},
	{"quote inside", `a"b"c`, `a"b"c`},
	{"single quote inside", `a'b`, `a'b`},
	{"escaped quote first", `\"a`, `"a`},
	{"escaped quote in quotes", `"a\"b\'c"`, `a"b'c`},
	{"escapes", `a\tb\rc\nd\\e`, "a\tb\rc\nd\\e"},
	{"escapes in quotes", `"a\tb\rc\nd\\e"`, "a\tb\rc\nd\\e"},
	{"other pairs stay", `a\qb\d\$`, `a\qb\d\$`},
	{"hidden space", `a\ b`, `a\ b`},
	{"hidden semicolon", `a\;b`, `a\;b`},
	{"hidden brace", `a\{b`, `a\{b`},
	{"hidden newline", "a\\\nb", "a\\\nb"},
	{"backslash then n", `a\\n`, `a\n`},
	{"three backslashes", `a\\\n`, "a\\\n"},
	{"newline in quotes", "\"a\nb\"", "a\nb"},
	{"signs in quotes", `"a;b{c}d#e f"`, `a;b{c}d#e f`},
	{"number sign inside", `a#b`, `a#b`},
	{"closing brace inside", `a}b`, `a}b`},
	{"variable", `${a}b`, `${a}b`},
	{"variable inside", `a${b}c`, `a${b}c`},
	{"two braces after dollar", `${{a`, `${{a`},
	{"dollar twice", `$${a}`, `$${a}`},
	{"dollar at the end", `a$`, `a$`},
	{"parenthesis", `)a`, `)a`},
	{"bytes that are no text", "\xff\x80", "\xff\x80"},
	{"hidden number sign", `\#a`, `\#a`},
	{"hidden closing brace", `\}a`, `\}a`},
}

func TestWords(t *testing.T) {
	for _, row := range words {
		t.Run(row.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "nginx.conf", row.raw+";")
			tree, list := Load(Source{Path: path})
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			d := tree.Root.Directives[0]
			if d.Name.Text != row.want || d.Name.Raw != row.raw || len(d.Args) > 0 {
				t.Errorf("%q: got %q, raw %q, args %v, want %q", row.raw, d.Name.Text, d.Name.Raw, d.Args, row.want)
			}
			t.Run("nginx", func(t *testing.T) { nginxReads(t, path, row.want) })
		})
	}
}

// nginxReads checks that nginx reads name as the first, unknown directive of the file at path.
func nginxReads(t *testing.T, path, name string) {
	t.Helper()
	needNginx(t)
	want := `unknown directive "` + name + `" in ` + path
	if got := nginxOutput(path, ""); !strings.Contains(got, want) {
		t.Errorf("nginx says %q, want %q", got, want)
	}
}

func TestParenthesisAfterQuoteBeginsWord(t *testing.T) {
	tree, _ := Load(Source{Path: "/nginx.conf", Text: []byte(`if ("a");`)})
	d := tree.Root.Directives[0]
	if len(d.Args) != 1 || d.Args[0].Text != `("a")` {
		t.Errorf("got %v, want one unquoted argument", d.Args)
	}
	tree, _ = Load(Source{Path: "/nginx.conf", Text: []byte(`if "a");`)})
	d = tree.Root.Directives[0]
	if len(d.Args) != 2 || d.Args[0].Text != "a" || d.Args[1].Text != ")" {
		t.Errorf("got %v, want [a )]", d.Args)
	}
}
