package parser

import (
	"strings"
	"testing"
)

// faults lists texts, each after "events {} " on the first line, and the expected errors. env takes any
// one word, and may be repeated.
var faults = []struct{ name, text, want string }{
	{"empty", "", ""},
	{"white space", " \t\r\n", ""},
	{"CRLF", "env a;\r\nenv b;\r\n", ""},
	{"comment to the end", "# env", ""},
	{"brace in a word", "env a}b;", ""},
	{"number sign in a word", "env a#b;", ""},
	{"quotes in a word", `env a"b"c'd;`, ""},
	{"empty word", `env "";`, ""},

	{"byte after quote", `env "a"b;`, `unexpected "b" in FILE:1`},
	{"byte after single quote", `env 'a'b;`, `unexpected "b" in FILE:1`},
	{"comment after quote", `env "a"#b`, `unexpected "#" in FILE:1`},
	{"brace after quote", `env "a"}`, `unexpected "}" in FILE:1`},
	{"quote after quote", `env "a""b";`, `unexpected """ in FILE:1`},
	{"backslash after quote", `env "a"\;`, `unexpected "\" in FILE:1`},
	{"line after newline in quotes", "env \"a\n\nb\"c;", `unexpected "c" in FILE:3`},
	{"escaped newline", "env a\\\nb;\n;", `unexpected ";" in FILE:3`},

	{"semicolon alone", "\n;", `unexpected ";" in FILE:2`},
	{"two semicolons", "env a;;", `unexpected ";" in FILE:1`},
	{"block without name", "{}", `unexpected "{" in FILE:1`},
	{"semicolon after block", "\n;env a;", `unexpected ";" in FILE:2`},
	{"closing brace alone", "env a;\n}", `unexpected "}" in FILE:2`},
	{"closing brace after a name", "env }", `unexpected "}" in FILE:1`},
	{"closing brace after an argument", "env\na\n}", `unexpected "}" in FILE:3`},

	{"end in name", "env", `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"end after name", "env\n\n", `unexpected end of file, expecting ";" or "}" in FILE:3`},
	{"end in argument", "env a", `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"end in comment in statement", "env a # b", `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"end in quotes", "env \"a\nb", `unexpected end of file, expecting ";" or "}" in FILE:2`},
	{"end in single quotes", "env 'a", `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"end after quotes", `env "a"`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"end after quotes and space", "env \"a\" \n", `unexpected end of file, expecting ";" or "}" in FILE:2`},
	{"end after backslash", `env a\`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"end after backslash in quotes", `env "a\`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"backslash alone", `\`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"quote alone", `"`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"hidden semicolon", `env a\;`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"hidden quote", `env "a\";`, `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"brace after dollar", "env ${", `unexpected end of file, expecting ";" or "}" in FILE:1`},

	{"word of 4095, semicolon", "env " + x(4095) + ";\n#\n", ""},
	{"word of 4095, space", "\nenv " + x(4095) + " ;", `too long parameter "xxxxxxxxxx..." started in FILE:2`},
	{"word of 4095, space, end", "env " + x(4095) + " ", `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"word of 4094, space", "env " + x(4094) + " ;", ""},
	{"word of 4096", "env " + x(4096) + ";", `too long parameter "xxxxxxxxxx..." started in FILE:1`},
	{"word of 4096, end", "env " + x(4096), `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"word of 4097, end", "env " + x(4097), `too long parameter "xxxxxxxxxx..." started in FILE:1`},
	{"word of 4096 far into the file", strings.Repeat("env abcdefg;\n", 900) + "env " + x(4096) + ";", `too long parameter "xxxxxxxxxx..." started in FILE:901`},
	{"word of 4095 far into the file", strings.Repeat("env abcdefg;\n", 900) + "env " + x(4095) + ";", ""},
	{"long name", x(5000) + ";", `too long parameter "xxxxxxxxxx..." started in FILE:1`},

	{"quotes around 4094, semicolon", `env "` + x(4094) + `";`, ""},
	{"quotes around 4094, space", `env "` + x(4094) + `" ;`, `too long parameter "xxxxxxxxxx..." started in FILE:1`},
	{"quotes around 4093, space", `env "` + x(4093) + `" ;`, ""},
	{"quotes around 4095", `env "` + x(4095) + `";`, `too long parameter "xxxxxxxxxx..." started in FILE:1`},
	{"quotes around 4096", `env "` + x(4096) + `";`, `too long parameter, probably missing terminating """ character in FILE:1`},
	{"single quotes around 4096", `env '` + x(4096) + `';`, `too long parameter, probably missing terminating "'" character in FILE:1`},
	{"quotes never closed", "env\n\"\n" + x(4096), `too long parameter, probably missing terminating """ character in FILE:2`},
	{"quotes never closed, 4096", "env \"" + x(4096), `unexpected end of file, expecting ";" or "}" in FILE:1`},
	{"quotes around 4095, then a byte", `env "` + x(4095) + `"b;`, `too long parameter "xxxxxxxxxx..." started in FILE:1`},
	{"quotes around 4094, then a byte", `env "` + x(4094) + `"b;`, `unexpected "b" in FILE:1`},

	{"comment of 4095", "#" + x(4094) + "\n", ""},
	{"comment of 4096", "#" + x(4095) + "\n", `too long parameter "#xxxxxxxxx..." started in FILE:1`},
	{"comment of 4096, end", "#" + x(4095), ""},
	{"comment of 4097, end", "\n#" + x(4096), `too long parameter "#xxxxxxxxx..." started in FILE:2`},
	{"comment of 4096 in a statement", "env\n#" + x(4095) + "\na;", `too long parameter "#xxxxxxxxx..." started in FILE:2`},
	{"much white space", strings.Repeat(" ", 10000) + "env a;", ""},
}

func x(n int) string { return strings.Repeat("x", n) }

// openBlocks are whole files that end within a block.
var openBlocks = []struct{ name, text, want string }{
	{"in an empty block", "events {", `unexpected end of file, expecting "}" in FILE:1`},
	{"lines later", "events {\n\n", `unexpected end of file, expecting "}" in FILE:3`},
	{"after a directive", "events {\nworker_connections 9;\n# x", `unexpected end of file, expecting "}" in FILE:3`},
	{"in a directive", "events {\nworker_connections\n", `unexpected end of file, expecting ";" or "}" in FILE:3`},
	{"after one brace too many", "events {}\n}", `unexpected "}" in FILE:2`},
	{"brace without space", "events{}", ""},
	{"quoted name", `"events"{'worker_connections' "9";}`, ""},
}

func TestOpenBlocks(t *testing.T) {
	for _, row := range openBlocks {
		t.Run(row.name, func(t *testing.T) {
			same(t, write(t, t.TempDir(), "nginx.conf", row.text), "", row.want)
		})
	}
}

func TestFaults(t *testing.T) {
	for _, row := range faults {
		t.Run(row.name, func(t *testing.T) {
			same(t, write(t, t.TempDir(), "nginx.conf", "events {} "+row.text), "", row.want)
		})
	}
}
