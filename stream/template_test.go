package stream_test

import (
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// templateRows are strings with variables, and their value in a session or nginx's error message.
var templateRows = []struct{ text, want, err string }{
	{"", "", ""},
	{"plain", "plain", ""},
	{"$protocol", "TCP", ""},
	{"$PROTOCOL", "TCP", ""},
	{"${protocol}", "TCP", ""},
	{"a${protocol}b", "aTCPb", ""},
	{"$protocol-$protocol", "TCP-TCP", ""},
	{"$protocol$protocol", "TCPTCP", ""},
	{"$protocol.", "TCP.", ""},
	{"a b\t$protocol\n", "a b\tTCP\n", ""},
	{"[$proxy_protocol_addr]", "[]", ""},
	{"$1", "", ""},
	{"a$1b", "ab", ""},
	{"$12", "2", ""},
	{"a}b{", "a}b{", ""},
	{`\$protocol`, `\TCP`, ""},
	{"$", "", "invalid variable name"},
	{"a$", "", "invalid variable name"},
	{"$ a", "", "invalid variable name"},
	{"$-", "", "invalid variable name"},
	{"$$", "", "invalid variable name"},
	{"$é", "", "invalid variable name"},
	{"${", "", "invalid variable name"},
	{"${}", "", "invalid variable name"},
	{"${a", "", `the closing bracket in "a" variable is missing`},
	{"${a b}", "", `the closing bracket in "a" variable is missing`},
	{"x${protocol-}", "", `the closing bracket in "protocol" variable is missing`},
}

func TestTemplate(t *testing.T) {
	for _, tt := range templateRows {
		t.Run(tt.text, func(t *testing.T) {
			config := stream.NewConfig()
			tpl, err := stream.ParseTemplate(tt.text, config.Vars)
			if err != nil {
				if err.Error() != tt.err {
					t.Errorf("got error %q, want %q", err, tt.err)
				}
				return
			}
			if tt.err != "" {
				t.Fatalf("got no error, want %q", tt.err)
			}
			if unknown := config.Vars.Resolve(); unknown != nil {
				t.Fatalf("unknown variables %q", unknown)
			}
			checkTemplate(t, config, tpl, tt.text, tt.want)
		})
	}
}

func checkTemplate(t *testing.T, config *stream.Config, tpl stream.Template, text, want string) {
	t.Helper()
	l := listener()
	l.Config = config
	s := offline.NewSession(t, l)
	if got := tpl.Eval(s.Session); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if tpl.Text() != text {
		t.Errorf("got text %q, want %q", tpl.Text(), text)
	}
	if got := tpl.HasVariables(); got != strings.Contains(text, "$") {
		t.Errorf("got HasVariables %v for %q", got, text)
	}
}

func TestZeroTemplate(t *testing.T) {
	var tpl stream.Template
	checkTemplate(t, stream.NewConfig(), tpl, "", "")
}

func TestUnknownNamesOfTemplates(t *testing.T) {
	vars := stream.NewVarTable()
	for _, text := range []string{"$b${A}", "$0", "$protocol$b", "$1${1}"} {
		if _, err := stream.ParseTemplate(text, vars); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(vars.Resolve(), " "); got != "b a 0 1" {
		t.Errorf("got %q, want %q", got, "b a 0 1")
	}
}

// FuzzTemplate checks that every compiled template can be evaluated, and that a text without a
// dollar sign evaluates to itself.
func FuzzTemplate(f *testing.F) {
	for _, row := range templateRows {
		f.Add(row.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		config := stream.NewConfig()
		tpl, err := stream.ParseTemplate(text, config.Vars)
		if err != nil {
			if !strings.Contains(text, "$") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if config.Vars.Resolve() != nil {
			return
		}
		l := listener()
		l.Config = config
		got := tpl.Eval(offline.NewSession(t, l).Session)
		if !strings.Contains(text, "$") && got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	})
}
