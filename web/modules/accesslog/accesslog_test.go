package accesslog_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/logescape"
	"weir/web"
	"weir/web/modules/accesslog"
	"weir/web/webtest"
)

// hello answers with a short text.
type hello struct{}

func (hello) Serve(r *web.Request) web.Outcome { return r.Send(http.StatusOK, "", "hello") }

// format compiles a log_format.
func format(t *testing.T, s *webtest.Server, text string, escape logescape.Escape) *accesslog.Format {
	t.Helper()
	f, err := accesslog.ParseFormat([]string{text}, escape, s.Vars)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A keeper is a logger that keeps the lines of a format.
type keeper struct {
	format *accesslog.Format
	lines  []string
}

func (k *keeper) Log(r *web.Request) { k.lines = append(k.lines, string(k.format.Append(nil, r))) }

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		text   string
		escape logescape.Escape
		want   string
	}{
		{"$status ${request_method}x $body_bytes_sent", logescape.Default, "200 GETx 5"},
		{`"$http_user_agent" $http_referer`, logescape.Default, `"a\x22\x5C` + `\xC3\xBC" -`},
		{`"$http_user_agent" "$http_referer"`, logescape.JSON, `"a\"\\ü" ""`},
		{"$http_user_agent $http_referer", logescape.None, `a"\ü `},
		{"plain", logescape.Default, "plain"},
		{"", logescape.Default, ""},
	} {
		s := webtest.New(t, hello{})
		k := &keeper{format: format(t, s, tt.text, tt.escape)}
		s.Base.Loggers = []web.Logger{k}
		s.Do("/", `User-Agent: a"\ü`)
		if len(k.lines) != 1 || k.lines[0] != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, k.lines, tt.want)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a$": `invalid parameter "$"`, "$-": `invalid parameter "$-"`, "${a": `the closing bracket in "a" variable is missing`, "${}": `invalid parameter "${}"`,
	} {
		if _, err := accesslog.ParseFormat([]string{text}, logescape.Default, web.NewVarTable()); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestPath checks logs whose names have variables: each line goes to the file of its request, and none outside the
// directory.
func TestPath(t *testing.T) {
	dir := t.TempDir()
	s := webtest.New(t, hello{})
	condition := s.Template("$arg_if")
	s.Base.Loggers = []web.Logger{&accesslog.Logger{
		Format: format(t, s, "$arg_f", logescape.Default), Path: s.Template(dir + "/logs/$arg_f.log"), If: &condition,
	}}
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/?if=1&f=a", "/?if=1&f=a", "/?if=0&f=a", "/?f=a", "/?if=1&f=b"} {
		s.Do(target)
	}
	for name, want := range map[string]string{"a": "a\na\n", "b": "b\n"} {
		if got, _ := os.ReadFile(filepath.Join(dir, "logs", name+".log")); string(got) != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
	for _, f := range []string{"../x", "/x", "..", "b/../../x"} {
		s.Do("/?if=1&f=" + f)
		if got := s.Logged(); !strings.Contains(got, "refused, a variable of its name has") {
			t.Errorf("%s: got the log %q", f, got)
		}
	}
	if all, _ := filepath.Glob(dir + "/*"); len(all) != 1 {
		t.Errorf("got the files %q", all)
	}
}

func TestPathThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	s := webtest.New(t, hello{})
	s.Base.Loggers = []web.Logger{&accesslog.Logger{Format: format(t, s, "x", logescape.Default), Path: s.Template(dir + "/none/$status")}}
	if got := s.Do("/"); got.Status != 200 {
		t.Errorf("got %d", got.Status)
	}
	if got := s.Logged(); !strings.Contains(got, `[crit] 1#1: *1 open() "`+dir+`/none/200" failed (2: No such file or directory)`) {
		t.Errorf("got the log %q", got)
	}
}
