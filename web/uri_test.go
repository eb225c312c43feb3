package web

import (
	"strings"
	"testing"
)

// targetRows are targets with their host, path, arguments and the path from its second byte on with the
// escapes that remain; an empty path means that the target is refused.
var targetRows = []struct{ text, host, path, args, rest string }{
	{"/", "", "/", "", ""},
	{"/a?b=c?d#e", "", "/a", "b=c?d", "a"},
	{"/a#e?b", "", "/a", "", "a"},
	{"//a///b//", "", "/a/b/", "", "a/b/"},
	{"/a/./b/.", "", "/a/b/", "", "a/b/"},
	{"/a/../b/..", "", "/", "", ""},
	{"/a/b/../../c", "", "/c", "", "c"},
	{"/.a/..b/c..", "", "/.a/..b/c..", "", ".a/..b/c.."},
	{"/..", "", "", "", ""},
	{"/a/../..", "", "", "", ""},
	{"/%2e%2e/a", "", "", "", ""},
	{"/a%2f..%2fb", "", "/b", "", "b"},
	{"/a%2Fb%20c", "", "/a/b c", "", "a%2Fb%20c"},
	{"/%41%3f%23", "", "/A?#", "", "%41%3F%23"},
	{"/a%00", "", "", "", ""},
	{"/a\x00", "", "", "", ""},
	{"/a%4", "", "", "", ""},
	{"/a%zz", "", "", "", ""},
	{"http://h:1/x?y", "h:1", "/x", "y", "x"},
	{"HTTPS://h", "h", "/", "", ""},
	{"http://h?y", "h", "/", "y", ""},
	{"http:///x", "", "", "", ""},
	{"ftp://h/x", "", "", "", ""},
	{"x", "", "", "", ""},
	{"", "", "", "", ""},
}

func TestParseTarget(t *testing.T) {
	for _, row := range targetRows {
		got, err := ParseTarget(row.text, true)
		if (err != nil) != (row.path == "") {
			t.Errorf("%q: got the error %v", row.text, err)
			continue
		}
		if err == nil && (got.Host != row.host || got.Path != row.path || got.Args != row.args || got.RawFrom(1) != row.rest) {
			t.Errorf("%q: got host %q, path %q, args %q, rest %q", row.text, got.Host, got.Path, got.Args, got.RawFrom(1))
		}
	}
}

func TestSlashesAreKeptWithoutMerging(t *testing.T) {
	got, err := ParseTarget("//a//b/../c//", false)
	if want := "//a//c//"; err != nil || got.Path != want {
		t.Errorf("got %q, %v, want %q", got.Path, err, want)
	}
}

func TestRawFromEnd(t *testing.T) {
	target, _ := ParseTarget("/a%20", true)
	if got := target.RawFrom(9); got != "" {
		t.Errorf("got %q beyond the end", got)
	}
}

func TestEscapePath(t *testing.T) {
	if got, want := EscapePath("/a b?c#%d\xff\"ü"), "/a%20b%3Fc%23%25d%FF%22%C3%BC"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, row := range targetRows {
		f.Add(row.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, merge := range []bool{true, false} {
			target, err := ParseTarget(text, merge)
			if err == nil {
				checkTarget(t, &target, merge)
			}
		}
	})
}

// checkTarget checks that a path stays below the root, and that its escaped form has the same meaning.
func checkTarget(t *testing.T, target *Target, merge bool) {
	t.Helper()
	path := target.Path
	if !strings.HasPrefix(path, "/") || strings.Contains(path+"/", "/../") || strings.Contains(path, "\x00") {
		t.Errorf("the path is %q", path)
	}
	if merge && strings.Contains(path, "//") {
		t.Errorf("slashes are not merged in %q", path)
	}
	again, err := ParseTarget(EscapePath(path), merge)
	if err != nil || again.Path != path {
		t.Errorf("%q becomes %q, %v", path, again.Path, err)
	}
	raw := target.RawFrom(0)
	decoded, _, ok := unescape(raw)
	if !strings.Contains(path, "%") && (!ok || decoded != path) {
		t.Errorf("%q is escaped as %q", path, raw)
	}
}
