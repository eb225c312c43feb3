package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/web"
	"weir/web/modules/static"
)

// A rootConf is one root or alias.
type rootConf struct {
	isAlias bool
	path    web.Template
}

// setRoot reads root or alias. It follows ngx_http_core_root.
func (c *httpLocation) setRoot(call *conf.Call) {
	word := call.Args()[0]
	isAlias := call.Dir.Name.Text == "alias"
	switch {
	case c.root != nil && c.root.isAlias == isAlias:
		call.FailValue("is duplicate")
		return
	case c.root != nil:
		call.Fail(nil, "\"%s\" directive is duplicate, \"%s\" directive was specified earlier", call.Dir.Name.Text, otherRoot(isAlias))
		return
	case isAlias && c.kind == web.Named:
		call.Fail(nil, "the \"alias\" directive cannot be used inside the named location")
		return
	}
	for _, name := range []string{"document_root", "realpath_root"} {
		if strings.Contains(word.Text, "$"+name) || strings.Contains(word.Text, "${"+name+"}") {
			call.Fail(&call.Args()[0], "the $%s variable cannot be used in the \"%s\" directive", name, call.Dir.Name.Text)
			return
		}
	}
	if !isAlias {
		word.Text = strings.TrimSuffix(word.Text, "/")
	}
	if !strings.HasPrefix(word.Text, "$") {
		word.Text = call.Compiler().Env.Path(word.Text)
	}
	if path, ok := parseWebTemplate(call, &word); ok {
		c.root = &rootConf{isAlias, path}
	}
}

func otherRoot(isAlias bool) string {
	if isAlias {
		return "root"
	}
	return "alias"
}

// buildRoot sets the path of files, and the content that serves them.
func (c *httpLocation) buildRoot(b *locationBuild) {
	s := &b.location.Settings
	s.Root = web.Literal(b.Env.Path("html"))
	if c.root != nil {
		s.Root, s.Alias = c.root.path, c.root.isAlias
		s.AliasWhole = s.Alias && c.kind == web.Matching
	}
	b.location.Files = &static.Content{Index: conf.At[indexConf](b.level).files}
	if c.tries != nil {
		b.location.Try = c.buildTries(b)
	}
}

// tryFiles reads try_files. It follows ngx_http_try_files.
func (c *httpLocation) tryFiles(call *conf.Call) {
	c.tries = call.Args()
	last := &c.tries[len(c.tries)-1]
	if code, ok := strings.CutPrefix(last.Text, "="); ok {
		if n, ok := conf.ParseNumber(code); !ok || n > 999 {
			call.Fail(last, "invalid code \"%s\"", last.Text)
			return
		}
	}
	for i := range c.tries {
		parseWebTemplate(call, &c.tries[i])
	}
}

// buildTries makes the handler of try_files.
func (c *httpLocation) buildTries(b *locationBuild) *static.TryFiles {
	t := &static.TryFiles{}
	last := len(c.tries) - 1
	for _, word := range c.tries[:last] {
		name, isDir := strings.CutSuffix(word.Text, "/")
		t.Files = append(t.Files, static.Try{Name: b.template(name), IsDir: isDir})
	}
	end := c.tries[last].Text
	if code, ok := strings.CutPrefix(end, "="); ok {
		n, _ := conf.ParseNumber(code)
		t.Status = int(n)
		return t
	}
	t.Fallback = b.template(end)
	return t
}

// template compiles a text whose variables are known to exist.
func (b *locationBuild) template(text string) web.Template {
	t, _ := web.ParseTemplate(text, b.config.Vars)
	return t
}
