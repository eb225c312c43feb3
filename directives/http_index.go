package directives

import (
	"weir/directives/conf"
	"weir/web"
)

// indexConf holds the index files of one level.
type indexConf struct {
	files []web.Template
}

// httpIndexModule is ngx_http_index_module.
var httpIndexModule = &httpModule[none, none, indexConf]{
	Name: "ngx_http_index_module",
	Location: []conf.Entry[indexConf]{
		{Name: "index", In: httpAll, Args: conf.AtLeast(1), Default: "index.html", Repeat: true, Set: (*indexConf).set},
	},
	MergeLocation: (*indexConf).merge,
}

// set follows ngx_http_index_set_index.
func (c *indexConf) set(call *conf.Call) {
	for i := range call.Args() {
		word := &call.Args()[i]
		if word.Text == "" {
			call.Fail(word, "index \"%s\" in \"index\" directive is invalid", word.Text)
			return
		}
		t, ok := parseWebTemplate(call, word)
		if !ok {
			return
		}
		c.files = append(c.files, t)
	}
}

func (c *indexConf) merge(child *indexConf) {
	if c.files == nil {
		c.files = []web.Template{web.Literal("index.html")}
	}
	if child.files == nil {
		child.files = c.files
	}
}
