package rewrite_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/web"
	"weir/web/modules/rewrite"
	"weir/web/webtest"
)

// where answers with the location and the target.
type where struct{}

func (where) Serve(r *web.Request) web.Outcome {
	return r.Send(http.StatusOK, "", r.Location.Name+" "+r.URI+"?"+r.Args)
}

func newServer(t *testing.T) *webtest.Server {
	t.Helper()
	return webtest.New(t, where{})
}

// rewriting returns a rewrite directive.
func rewriting(t *testing.T, s *webtest.Server, pattern, to string, set ...func(*rewrite.Rewrite)) *rewrite.Rewrite {
	t.Helper()
	re, err := s.Vars.Regex(pattern, false)
	if err != nil {
		t.Fatal(err)
	}
	w := &rewrite.Rewrite{Pattern: re, To: s.Template(to), KeepArgs: true}
	for _, f := range set {
		f(w)
	}
	return w
}

func last(w *rewrite.Rewrite) { w.Last = true }
func stay(w *rewrite.Rewrite) { w.Last, w.Stay = true, true }
func drop(w *rewrite.Rewrite) { w.KeepArgs = false }

func TestRewrite(t *testing.T) {
	for _, tt := range []struct {
		name, target, pattern, to string
		set                       func(*rewrite.Rewrite)
		want                      string
	}{
		{"another location", "/a/x?q", "^/a/(.*)", "/b/$1", last, "/b/ /b/x?q"},
		{"break stays", "/a/x?q", "^/a/(.*)", "/b/$1", stay, "/a/ /b/x?q"},
		{"arguments are added", "/a/x?q", "^/a/(.*)", "/b/?n=$1", last, "/b/ /b/?n=x&q"},
		{"arguments are dropped", "/a/x?q", "^/a/(.*)", "/b/?n=$1", drop, "/b/ /b/?n=x"},
		{"no match", "/a/x", "^/c/", "/b/", last, "/a/ /a/x?"},
		{"decoded", "/a/%62%3fc?q", "^/a/(.*)", "/b/$1", stay, "/a/ /b/b?c&q"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			directive := rewriting(t, s, tt.pattern, tt.to, tt.set)
			s.Prefixes(func(at *web.Location) {
				if at.Name == "/a/" {
					at.Rewrite = []web.Rewriter{directive}
				}
			}, "/a/", "/b/")
			if got := s.Do(tt.target); got.Body != tt.want {
				t.Errorf("got %q, want %q", got.Body, tt.want)
			}
		})
	}
}

func TestRewriteToNothing(t *testing.T) {
	s := newServer(t)
	s.Rewrite = []web.Rewriter{rewriting(t, s, "^/(.*)", "$1", drop)}
	if got := s.Do("/"); got.Status != 500 || !strings.Contains(s.Logged(), "the rewritten URI has a zero length") {
		t.Errorf("got %d", got.Status)
	}
}

func TestRewriteRedirects(t *testing.T) {
	s := newServer(t)
	s.Rewrite = []web.Rewriter{rewriting(t, s, "^/([^?]*)", "https://other.example/$1", func(w *rewrite.Rewrite) { w.Status = 302 })}
	got := s.Do("/a%0d%0aX:%20y?q")
	if location := got.Header.Get("Location"); got.Status != 302 || location != "https://other.example/aX: y?q" {
		t.Errorf("got %d %q", got.Status, location)
	}
}

// TestRewriteLoopEnds checks that a rewrite selects a location at most 10 times.
func TestRewriteLoopEnds(t *testing.T) {
	for _, tt := range []struct{ longest, want int }{{10, 200}, {11, 500}, {1000, 500}} {
		s := newServer(t)
		loop := rewriting(t, s, "^(/a/x{0,"+strconv.Itoa(tt.longest-1)+"})$", "$1x", last)
		s.Prefixes(func(at *web.Location) { at.Rewrite = []web.Rewriter{loop} }, "/a/")
		got := s.Do("/a/")
		if got.Status != tt.want {
			t.Errorf("%d rewrites: got %d, want %d", tt.longest, got.Status, tt.want)
		}
		if cycle := strings.Contains(s.Logged(), "rewrite or internal redirection cycle while processing"); cycle != (tt.want == 500) {
			t.Errorf("%d rewrites: the cycle is logged: %v", tt.longest, cycle)
		}
	}
}

// TestRewriteReachesInternal checks that a request that was rewritten may use an internal location.
func TestRewriteReachesInternal(t *testing.T) {
	s := newServer(t)
	to := rewriting(t, s, "^/a/", "/b/", last)
	s.Prefixes(func(at *web.Location) {
		at.Internal = at.Name == "/b/"
		if !at.Internal {
			at.Rewrite = []web.Rewriter{to}
		}
	}, "/a/", "/b/")
	if got := s.Do("/a/"); got.Status != 200 {
		t.Errorf("got %d after a rewrite", got.Status)
	}
	if got := s.Do("/b/"); got.Status != 404 {
		t.Errorf("got %d without one", got.Status)
	}
}

func TestReturn(t *testing.T) {
	for _, tt := range []struct {
		status         int
		text           string
		body, location string
	}{
		{200, "$uri", "/a", ""},
		{204, "", "", ""},
		{301, "/b", "<h1>301 Moved Permanently</h1>", "/b"},
		{302, "http://y/$args", "<h1>302 Found</h1>", "http://y/q"},
		{404, "", "<h1>404 Not Found</h1>", ""},
		{404, "gone", "gone", ""},
		{599, "", "", ""},
	} {
		s := newServer(t)
		s.Rewrite = []web.Rewriter{&rewrite.Return{Status: tt.status, Text: s.Template(tt.text)}}
		got := s.Do("/a?q")
		if got.Status != tt.status || !strings.Contains(got.Body, tt.body) || got.Header.Get("Location") != tt.location {
			t.Errorf("return %d %q: got %d, %q, %q", tt.status, tt.text, got.Status, got.Body, got.Header.Get("Location"))
		}
	}
}

func TestSet(t *testing.T) {
	s := newServer(t)
	if err := s.Vars.Define(web.Variable{Name: "v", Changeable: true, Get: rewrite.Uninitialized("v")}); err != nil {
		t.Fatal(err)
	}
	index := s.Vars.Index("v")
	s.Rewrite = []web.Rewriter{
		&rewrite.If{Condition: rewrite.True(s.Vars.Index("arg_set")), Then: []web.Rewriter{&rewrite.Set{Index: index, Value: s.Template("<$arg_set>")}}},
		&rewrite.Set{Index: s.Vars.Index("args"), IsArgs: true, Value: s.Template("v=$v")},
	}
	if got := s.Do("/?set=1"); got.Body != " /?v=<1>" || s.Logged() != "" {
		t.Errorf("got %q", got.Body)
	}
	if got := s.Do("/"); got.Body != " /?v=" || !strings.Contains(s.Logged(), `[warn] 1#1: *1 using uninitialized "v" variable`) {
		t.Errorf("got %q", got.Body)
	}
}

func TestConditions(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	arg := s.Vars.Index("arg_a")
	re, err := s.Vars.Regex("^b", false)
	if err != nil {
		t.Fatal(err)
	}
	file := func(kind byte, not bool) rewrite.Condition {
		return &rewrite.File{Kind: kind, Not: not, Path: s.Template(dir + "/$arg_a")}
	}
	for _, tt := range []struct {
		name      string
		condition rewrite.Condition
		holds     string // the values of $arg_a, each after a space
		not       string
	}{
		{"true", rewrite.True(arg), "1 a 00", " 0"},
		{"equal", &rewrite.Equal{Index: arg, Value: s.Template("b")}, "b", "a B bb"},
		{"not equal", &rewrite.Equal{Index: arg, Value: s.Template("b"), Not: true}, "a", "b"},
		{"match", &rewrite.Match{Index: arg, Pattern: re}, "b bc", "ab"},
		{"no match", &rewrite.Match{Index: arg, Pattern: re, Not: true}, "ab", "b"},
		{"file", file('f', false), "f x", ". none"},
		{"no file", file('f', true), ". none", "f"},
		{"directory", file('d', false), ".", "f none"},
		{"exists", file('e', false), "f .", "none"},
		{"executable", file('x', false), "x", "f . none"},
	} {
		s.Rewrite = []web.Rewriter{&rewrite.If{Condition: tt.condition, Then: []web.Rewriter{&rewrite.Return{Status: 204}}}}
		for values, want := range map[string]int{tt.holds: 204, tt.not: 200} {
			for value := range strings.SplitSeq(values, " ") {
				if got := s.Do("/?a=" + value); got.Status != want {
					t.Errorf("%s, %q: got %d, want %d", tt.name, value, got.Status, want)
				}
			}
		}
	}
}
