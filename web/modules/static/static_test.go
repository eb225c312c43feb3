package static_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"weir/web"
	"weir/web/modules/static"
	"weir/web/webtest"
)

// newServer returns a server of files below DIR/root, beside which there is a file that it must not serve.
func newServer(t *testing.T) (s *webtest.Server, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"secret": "secret", "www/a.html": "page", "www/b/index.html": "index", "www/c/none": "", "www/ü €": "unicode",
		"www/..a": "dots", "www/%2e": "percent",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "www/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = webtest.New(t, nil)
	s.Base.Content, s.Base.Files = nil, &static.Content{Index: []web.Template{web.Literal("none"), web.Literal("index.html")}}
	s.Base.Settings.Root = web.Literal(dir + "/www")
	s.Base.Settings.Types = map[string]string{"html": "text/html"}
	s.Prefixes(func(*web.Location) {}, "/")
	return s, dir
}

func TestFiles(t *testing.T) {
	s, _ := newServer(t)
	for line, want := range map[string]struct {
		status int
		body   string
	}{
		"/a.html":                          {200, "page"},
		"HEAD /a.html":                     {200, ""},
		"POST /a.html":                     {405, "405 Not Allowed"},
		"DELETE /a.html":                   {405, "405 Not Allowed"},
		"/b/":                              {200, "index"},
		"/b":                               {301, "301 Moved Permanently"},
		"/c/":                              {200, ""},
		"/":                                {403, "403 Forbidden"},
		"/%c3%bc%20%e2%82%ac":              {200, "unicode"},
		"/..a":                             {200, "dots"},
		"/%252e":                           {200, "percent"},
		"/pipe":                            {404, "404 Not Found"},
		"/none":                            {404, "404 Not Found"},
		"/a.html/":                         {404, "404 Not Found"},
		"/a.html/b":                        {404, "404 Not Found"},
		"/../secret":                       {400, "400 Bad Request"},
		"/b/../../secret":                  {400, "400 Bad Request"},
		"/%2e%2e/secret":                   {400, "400 Bad Request"},
		"/..%2fsecret":                     {400, "400 Bad Request"},
		"/b/..%2f..%2fsecret":              {400, "400 Bad Request"},
		"/b/../a.html":                     {200, "page"},
		"/b%2f..%2fa.html":                 {200, "page"},
		"/.":                               {403, "403 Forbidden"},
		"//a.html":                         {200, "page"},
		"////b////index.html":              {200, "index"},
		"/a.html%00":                       {400, "400 Bad Request"},
		"/%00/../a.html":                   {400, "400 Bad Request"},
		`/..\secret`:                       {404, "404 Not Found"},
		`/b/..%5c..%5csecret`:              {404, "404 Not Found"},
		"/%ff%fe":                          {404, "404 Not Found"},
		"/%c0%ae%c0%ae/secret":             {404, "404 Not Found"},
		"/" + strings.Repeat("x", 5000):    {404, "404 Not Found"},
		"/" + strings.Repeat("x/", 5000):   {404, "404 Not Found"},
		"/" + strings.Repeat("a/../", 999): {403, "403 Forbidden"},
		"/" + strings.Repeat("../", 999):   {400, "400 Bad Request"},
		"/b/./././index.html":              {200, "index"},
		"/a.html?../../secret":             {200, "page"},
		"http://x/b/%2e%2e/%2e%2e/secret":  {400, "400 Bad Request"},
		"http://x/a.html":                  {200, "page"},
	} {
		if strings.HasPrefix(line, "http:") {
			line = "GET " + line
		}
		got := s.Do(line)
		if got.Status != want.status || !strings.Contains(got.Body, want.body) || strings.Contains(got.Body, "secret") {
			t.Errorf("%.60s: got %d %q, want %d %q", line, got.Status, got.Body, want.status, want.body)
		}
	}
}

// TestVariableInRoot checks that a value that a client chooses cannot leave the directory.
func TestVariableInRoot(t *testing.T) {
	s, dir := newServer(t)
	s.Prefixes(func(at *web.Location) { at.Settings.Root = s.Template(dir + "/www/$arg_d") }, "/")
	for target, want := range map[string]int{
		"/index.html?d=b": 200, "/secret?d=..": 404, "/secret?d=b/../..": 404, "/a.html?d=": 200, "/?d=..": 404,
	} {
		if got := s.Do(target); got.Status != want || strings.Contains(got.Body, "secret") {
			t.Errorf("%s: got %d %q, want %d", target, got.Status, got.Body, want)
		}
	}
}

func TestAlias(t *testing.T) {
	s, dir := newServer(t)
	s.Prefixes(func(at *web.Location) {
		at.Settings.Alias, at.Settings.Root = true, web.Literal(dir+"/www/b")
	}, "/files")
	for target, want := range map[string]int{
		"/files/index.html": 200, "/files/": 200, "/files../secret": 404, "/files../../secret": 404, "/files/../secret": 404, "/files..%2fsecret": 404,
	} {
		if got := s.Do(target); got.Status != want || got.Body == "secret" {
			t.Errorf("%s: got %d %q, want %d", target, got.Status, got.Body, want)
		}
	}
}

func TestTryFiles(t *testing.T) {
	s, _ := newServer(t)
	try := &static.TryFiles{
		Files:    []static.Try{{Name: s.Template("$uri")}, {Name: s.Template("/$arg_f")}, {Name: s.Template("$uri/"), IsDir: true}},
		Fallback: s.Template("/b/index.html?$args"),
	}
	s.Prefixes(func(at *web.Location) {
		if at.Name == "/" {
			at.Try = try
		}
	}, "/", "/b/")
	for target, want := range map[string]string{
		"/a.html": "page", "/none?f=a.html": "page", "/none": "index", "/none?f=../secret": "index", "/none?f=b/../../secret": "index",
	} {
		if got := s.Do(target); got.Body != want {
			t.Errorf("%s: got %d %q, want %q", target, got.Status, got.Body, want)
		}
	}
	try.Status = http.StatusGone
	if got := s.Do("/none"); got.Status != http.StatusGone {
		t.Errorf("got %d", got.Status)
	}
}

func TestConditions(t *testing.T) {
	s, _ := newServer(t)
	first := s.Do("/a.html")
	tag, modified := first.Get("ETag"), first.Get("Last-Modified")
	for header, want := range map[string]struct {
		status int
		body   string
	}{
		"If-None-Match: " + tag:                            {304, ""},
		"If-None-Match: \"other\"":                         {200, "page"},
		"If-Modified-Since: " + modified:                   {304, ""},
		"If-Match: \"other\"":                              {412, "412 Precondition Failed"},
		"Range: bytes=1-2":                                 {206, "ag"},
		"Range: bytes=9-":                                  {416, "416 Requested Range Not Satisfiable"},
		"Range: bytes=-1":                                  {206, "e"},
		"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT": {200, "page"},
	} {
		if got := s.Do("/a.html", header); got.Status != want.status || !strings.Contains(got.Body, want.body) {
			t.Errorf("%s: got %d %q, want %d %q", header, got.Status, got.Body, want.status, want.body)
		}
	}
}

// TestRequestsAtOnce checks requests for one file at the same time.
func TestRequestsAtOnce(t *testing.T) {
	s, _ := newServer(t)
	s.Do("/")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				if got := s.Do("/b/"); got.Body != "index" {
					t.Errorf("got %d %q", got.Status, got.Body)
				}
			}
		})
	}
	wait.Wait()
}
