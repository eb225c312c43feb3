package parser

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/tools/txtar"
)

const stream = "load_module /usr/lib/nginx/modules/ngx_stream_module.so; events {} stream { "

// includeFaults lists main files, additional files in a txtar archive, and the expected errors.
var includeFaults = []struct{ name, main, files, want string }{
	{"no argument", "events {}\ninclude;", "", `invalid number of arguments in "include" directive in FILE:2`},
	{"two arguments", "events {}\ninclude a\nb;", "", `invalid number of arguments in "include" directive in FILE:3`},
	{"block", "events {}\ninclude a {}", "", `directive "include" is not terminated by ";" in FILE:2`},
	{"block and two arguments", "events {}\ninclude a b {}", "", `directive "include" is not terminated by ";" in FILE:2`},
	{"missing file", "events {}\ninclude\nx.conf\n;", "", `open() "DIR/x.conf" failed (2: No such file or directory) in FILE:4`},
	{"missing file in a block", "events { include /nowhere/x; }", "", `open() "/nowhere/x" failed (2: No such file or directory) in FILE:1`},
	{"file as directory", "include FILE/x;", "", `open() "FILE/x" failed (20: Not a directory) in FILE:1`},
	{"directory", "include d;", "-- d/a --\n", `pread() "DIR/d" failed (21: Is a directory)`},
	{"empty name", `include "";`, "", `pread() "DIR/" failed (21: Is a directory)`},
	{"pattern without match", "events {} include nothing/*.conf;", "", ""},
	{"quoted include", `events {} "include" 'a.conf';`, "-- a.conf --\nenv a;\n", ""},
	{"in an included block", "events {\ninclude a.conf;\n}", "-- a.conf --\nworker_connections 9;\n", ""},
	{"fault in included file", "events {}\ninclude a.conf;", "-- a.conf --\n\nenv a\n", `unexpected end of file, expecting ";" or "}" in DIR/a.conf:3`},
	{"open block in included file", "include a.conf;\n}", "-- a.conf --\nevents {\n", `unexpected end of file, expecting "}" in DIR/a.conf:2`},
	{"closing brace in included file", "events {\ninclude a.conf;", "-- a.conf --\n}\n", `unexpected "}" in DIR/a.conf:1`},
	{"fault after include", "events {}\ninclude a.conf;\n}", "-- a.conf --\nenv a;\n", `unexpected "}" in FILE:3`},
	{"fault before include", "events {}\n}\ninclude none;", "", `unexpected "}" in FILE:2`},
	{"missing file before fault", "events {}\ninclude none;\n}", "", `open() "DIR/none" failed (2: No such file or directory) in FILE:2`},
	{"missing file in included file", "events {}\ninclude d/a.conf;", "-- d/a.conf --\n\ninclude b.conf;\n", `open() "DIR/b.conf" failed (2: No such file or directory) in DIR/d/a.conf:2`},
	{"second of a pattern", "events {}\ninclude *.inc;", "-- b.inc --\n}\n-- a.inc --\nenv a;\n", `unexpected "}" in DIR/b.inc:1`},

	{"in map", stream + "map a $b { include m; } }", "-- m --\na b;\n", ""},
	{"pattern in map", stream + "map a $b { include m*; } }", "-- m --\na b;\n-- m2 --\nb b;\n", ""},
	{"missing file in map", stream + "map a $b {\ninclude m; } }", "", `open() "DIR/m" failed (2: No such file or directory) in FILE:2`},
	{"in geo", stream + "geo $b { include g; } }", "-- g --\n::1 b;\n", ""},
}

func TestIncludeFaults(t *testing.T) {
	for _, row := range includeFaults {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range txtar.Parse([]byte(row.files)).Files {
				write(t, dir, f.Name, string(f.Data))
			}
			path := filepath.Join(dir, "nginx.conf")
			write(t, dir, "nginx.conf", strings.ReplaceAll(row.main, "FILE", path))
			same(t, path, "", row.want)
		})
	}
}

func TestMainFileFaults(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none"), `open() "FILE" failed (2: No such file or directory)`},
		{"directory", dir, `pread() "FILE" failed (21: Is a directory)`},
		{"device", "/dev/null", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := strings.ReplaceAll(weirSays(Source{Path: row.path}), row.path, "FILE")
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			t.Run("nginx", func(t *testing.T) {
				needNginx(t)
				got := strings.ReplaceAll(nginxSays(t, row.path, ""), row.path, "FILE")
				if want := row.want; got != want && want != "" {
					t.Errorf("nginx says %q, want %q", got, want)
				}
			})
		})
	}
}

// TestGeoIncludesPatterns checks that an include in geo may have a pattern, as since nginx 1.29.8. Pattern
// characters in the prefix do not count.
func TestGeoIncludesPatterns(t *testing.T) {
	read := func(path string) ([]byte, error) { return []byte(path + " b;"), nil }
	glob := func(string) ([]string, error) { return []string{"/p*/g1", "/p*/g2"}, nil }
	for include, want := range map[string][]string{"g?": {"/p*/g1", "/p*/g2"}, "g": {"/p*/g"}} {
		src := Source{Path: "/p*/nginx.conf", Text: []byte("geo $b { include " + include + "; }"), ReadFile: read, Glob: glob}
		tree, list := Load(src)
		if list != nil {
			t.Fatal(list)
		}
		var got []string
		for _, d := range tree.Root.Directives[0].Body.Directives {
			got = append(got, d.Name.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got lines of %q, want %q", include, got, want)
		}
	}
}

// globals lists texts of -g, and the expected errors. The main file has an error itself, but comes after.
var globals = []struct{ name, text, want string }{
	{"fine", "env a;", `unexpected "}" in FILE:2`},
	{"without semicolon", "env a", `unexpected end of parameter, expecting ";" in command line`},
	{"comment last", "env a; # b", `unexpected "}" in FILE:2`},
	{"open quotes", `env "a`, `unexpected end of parameter, expecting ";" in command line`},
	{"block", "events {}", "block directives are not supported in -g option in command line"},
	{"brace alone", "{", `unexpected "{" in command line`},
	{"closing brace", "env a; }", `unexpected "}" in command line`},
	{"byte after quote", `env "a"b;`, `unexpected "b" in command line`},
	{"longer than nginx's buffer", "env " + x(5000) + " ;", `unexpected "}" in FILE:2`},
	{"comment longer than nginx's buffer", "#" + x(5000) + "\nenv a;", `unexpected "}" in FILE:2`},
	{"missing file", "include a;", `open() "DIR/a" failed (2: No such file or directory) in command line`},
	{"include without argument", "include;", `invalid number of arguments in "include" directive in command line`},
	{"included file", "include b;", `unexpected ";" in DIR/b:1`},
}

func TestGlobals(t *testing.T) {
	for _, row := range globals {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "b", ";")
			same(t, write(t, dir, "nginx.conf", "events {}\n}"), row.text, row.want)
		})
	}
}

func TestFileIncludingItselfEnds(t *testing.T) {
	path := write(t, t.TempDir(), "nginx.conf", "events {}\ninclude nginx.conf;\n")
	tree, list := Load(Source{Path: path})
	want := "files include one another more than 100 levels deep in " + path + ":2"
	if err := list.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if len(tree.Files) != 1 || len(tree.Root.Directives) != maxIncludes+1 {
		t.Errorf("got %d files, %d directives, want 1, %d", len(tree.Files), len(tree.Root.Directives), maxIncludes+1)
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("a {", n) + strings.Repeat("}", n)) }
	if _, list := Load(Source{Path: "/f", Text: deep(maxNesting)}); list != nil {
		t.Error(list)
	}
	_, list := Load(Source{Path: "/f", Text: deep(1_000_000)})
	want := "blocks are nested more than 256 levels deep in /f:1"
	if err := list.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestDump compares the whole output of -T: the files, their order, each once.
func TestDump(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.inc", "env b;")
	write(t, dir, "a.inc", "env a;\ninclude sub/c;\n")
	write(t, dir, "sub/c", "")
	path := write(t, dir, "nginx.conf", "include *.inc;\r\nevents {}\ninclude b.inc;\ninclude *.inc; # é\n")
	tree, list := Load(Source{Path: path})
	if list != nil {
		t.Fatal(list)
	}
	var got bytes.Buffer
	if err := tree.Dump(&got); err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(dir, "*.inc")}; !slices.Equal(tree.Patterns, want) {
		t.Errorf("got patterns %q, want %q", tree.Patterns, want)
	}
	var files []string
	for _, f := range tree.Files {
		files = append(files, strings.TrimPrefix(f.Path, dir+"/"))
	}
	if want := []string{"nginx.conf", "a.inc", "sub/c", "b.inc"}; !slices.Equal(files, want) {
		t.Errorf("got files %q, want %q", files, want)
	}
	t.Run("nginx", func(t *testing.T) {
		needNginx(t)
		want, err := exec.Command(nginxBinary, "-q", "-T", "-c", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("got %q, nginx dumps %q", got.String(), want)
		}
	})
}

func TestHooks(t *testing.T) {
	files := map[string]string{"/conf/a": "a;", "/conf/b": "b;"}
	src := Source{
		Path:   "/etc/api.conf",
		Text:   []byte("include *; include a; include gone;"),
		Prefix: "/conf/",
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, fmt.Errorf("reading: %w", fs.ErrNotExist)
		},
		Glob: func(pattern string) ([]string, error) { return []string{"/conf/b", "/conf/a"}, nil },
	}
	tree, list := Load(src)
	want := `open() "/conf/gone" failed (2: No such file or directory) in /etc/api.conf:1`
	if err := list.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if got := outline(tree.Root); got != "b; a; a;..." {
		t.Errorf("got %q, want %q", got, "b; a; a;...")
	}
	src.Glob = func(string) ([]string, error) { return nil, syscall.ENOMEM }
	want = `glob() "/conf/*" failed (12: Cannot allocate memory) in /etc/api.conf:1`
	if got := weirSays(src); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// outline returns b on one line, with dots where parsing stopped.
func outline(b *Block) string {
	var parts []string
	for _, d := range b.Directives {
		text := d.Name.Text
		for _, w := range d.Args {
			text += " " + w.Text
		}
		if d.Body == nil {
			parts = append(parts, text+";")
		} else {
			parts = append(parts, text+" { "+outline(d.Body)+" }")
		}
	}
	text := strings.Join(parts, " ")
	if b.Incomplete {
		text += "..."
	}
	return text
}

// TestWhatPrecedesAFault loads files with errors: the tree must contain everything before the error.
func TestWhatPrecedesAFault(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"in a statement", "a; b c", "a;..."},
		{"in a block", "a; b { c; d { e; f", "a; b { c; d { e;... }... }..."},
		{"after a block", "a { b; } ;", "a { b; }..."},
		{"closing brace", "a; } b;", "a;..."},
		{"before a missing file", "a { b; include gone; c; } d;", "a { b;... }..."},
		{"in an included file", "a { include bad; c; } d;", "a { x; y { z;... }... }..."},
		{"an include that is no statement", "a { include x { b; } c; }", "a { ... }..."},
		{"wrong include in map", "map { include; include a b; include c {} } d;", "map { include; include a b; include c {  } } d;"},
		{"include in split_clients", "split_clients { include gone; }", "split_clients { include gone; }"},
		{"empty block", "a {", "a { ... }..."},
	} {
		t.Run(row.name, func(t *testing.T) {
			tree, _ := Load(Source{Path: "/c/f", Text: []byte(row.text), ReadFile: func(path string) ([]byte, error) {
				if path == "/c/bad" {
					return []byte("x; y { z; "), nil
				}
				return nil, errors.New("gone")
			}})
			if got := outline(tree.Root); got != row.want {
				t.Errorf("%s: got %q, want %q", row.text, got, row.want)
			}
		})
	}
}

func TestGlobalsComeFirst(t *testing.T) {
	tree, list := Load(Source{Path: "/f", Text: []byte("b;"), Globals: "a;"})
	if list != nil || outline(tree.Root) != "a; b;" || len(tree.Files) != 1 {
		t.Errorf("got %q, %d files, %v", outline(tree.Root), len(tree.Files), list)
	}
	if d := tree.Root.Directives[0]; d.File != nil || d.Name.Pos.File != "" {
		t.Errorf("got %+v, want no file", d)
	}
}

func TestOutermostLeavesIncludesInBlocks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "nginx.conf", "include a;\nstream { include missing; }")
	write(t, dir, "a", "daemon off;")
	tree, bad := Load(Source{Path: filepath.Join(dir, "nginx.conf"), Outermost: true})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	top := tree.Root.Directives
	if len(top) != 2 || top[0].Name.Text != "daemon" || top[1].Body.Directives[0].Name.Text != "include" {
		t.Errorf("got %d directives, want that of the included file, and a block with its include", len(top))
	}
}
