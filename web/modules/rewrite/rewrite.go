// Package rewrite answers with fixed responses, sets variables and changes URIs, unconditionally or by
// conditions.
//
// See https://nginx.org/en/docs/http/ngx_http_rewrite_module.html.
package rewrite

import (
	"os"
	"strings"

	"weir/internal/errorlog"
	"weir/web"
)

// Break ends the rewriting.
type Break struct{}

// Rewrite implements web.Rewriter.
func (Break) Rewrite(r *web.Request) web.Outcome { return r.EndRewriting() }

// Return answers with a status and a text, which for redirects is the URL.
type Return struct {
	Status int
	Text   web.Template
}

// Rewrite implements web.Rewriter. It follows ngx_http_script_return_code.
func (w *Return) Rewrite(r *web.Request) web.Outcome {
	switch {
	case web.IsRedirect(w.Status):
		if to := w.Text.Eval(r); to != "" {
			return web.MovedTo(w.Status, to)
		}
		return web.Status(w.Status)
	case w.Status >= 400 && w.Text.Text() == "":
		return web.Status(w.Status)
	}
	return r.Send(w.Status, r.ContentType(), w.Text.Eval(r))
}

// Set gives a variable a value.
type Set struct {
	Index  int
	IsArgs bool // the variable is $args
	Value  web.Template
}

// Rewrite implements web.Rewriter.
func (w *Set) Rewrite(r *web.Request) web.Outcome {
	value := w.Value.Eval(r)
	if w.IsArgs {
		r.Args = value
		return web.Next()
	}
	r.SetValue(w.Index, value)
	return web.Next()
}

// Uninitialized returns the value of a variable before it has been set.
func Uninitialized(name string) func(*web.Request) (string, bool) {
	return func(r *web.Request) (string, bool) {
		r.Log(errorlog.Warn, "using uninitialized \""+name+"\" variable", nil)
		return "", true
	}
}

// Rewrite changes the URI if it matches a pattern.
type Rewrite struct {
	Pattern  *web.Regex
	To       web.Template
	KeepArgs bool // the arguments of the request are added
	Last     bool // ends the rewriting
	Stay     bool // no location is selected again
	Status   int  // of a redirect; 0 changes the URI
}

// Rewrite implements web.Rewriter. It follows ngx_http_script_regex_start_code.
func (w *Rewrite) Rewrite(r *web.Request) web.Outcome {
	if !w.Pattern.Match(r, r.URI) {
		return web.Next()
	}
	to := w.To.Eval(r)
	if w.KeepArgs && r.Args != "" {
		separator := "?"
		if strings.Contains(to, "?") {
			separator = "&"
		}
		to += separator + r.Args
	}
	if w.Status != 0 {
		return web.MovedTo(w.Status, to)
	}
	path, args, _ := strings.Cut(to, "?")
	if path == "" {
		r.LogError("the rewritten URI has a zero length")
		return web.Status(500)
	}
	return r.Rewritten(path, args, w.Last, w.Stay)
}

// If runs directives if a condition holds.
type If struct {
	Condition Condition
	Then      []web.Rewriter
	Block     *web.Location // the settings that apply then; nil in a server
}

// Rewrite implements web.Rewriter.
func (w *If) Rewrite(r *web.Request) web.Outcome {
	if !w.Condition.holds(r) {
		return web.Next()
	}
	if w.Block != nil {
		r.Use(w.Block)
	}
	return web.RunAll(r, w.Then)
}

// A Condition is that of an if.
type Condition interface{ holds(r *web.Request) bool }

// True holds if the variable with that index is neither empty nor "0".
type True int

func (c True) holds(r *web.Request) bool {
	v, _ := r.Value(int(c))
	return v != "" && v != "0"
}

// Equal compares a variable with a string.
type Equal struct {
	Index int
	Value web.Template
	Not   bool
}

func (c *Equal) holds(r *web.Request) bool {
	v, _ := r.Value(c.Index)
	return (v == c.Value.Eval(r)) != c.Not
}

// Match compares a variable with a pattern.
type Match struct {
	Index   int
	Pattern *web.Regex
	Not     bool
}

func (c *Match) holds(r *web.Request) bool {
	v, _ := r.Value(c.Index)
	return c.Pattern.Match(r, v) != c.Not
}

// File tests a path: 'f' for a file, 'd' for a directory, 'e' for either, 'x' for an executable file.
type File struct {
	Kind byte
	Not  bool
	Path web.Template
}

func (c *File) holds(r *web.Request) bool { return c.test(c.Path.Eval(r)) != c.Not }

func (c *File) test(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	switch c.Kind {
	case 'f':
		return info.Mode().IsRegular()
	case 'd':
		return info.IsDir()
	case 'x':
		return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
	}
	return true
}
