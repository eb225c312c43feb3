package directives

import (
	"weir/directives/conf"
	"weir/web"
)

// headersConf holds the headers of one level.
type headersConf struct {
	all []web.Header
}

// httpHeadersModule is ngx_http_headers_module.
var httpHeadersModule = &httpModule[none, none, headersConf]{
	Name: "ngx_http_headers_module",
	Location: []conf.Entry[headersConf]{
		{Name: "add_header", In: httpAnywhere, Args: conf.Take(2, 3), Repeat: true, Set: (*headersConf).add},
	},
	MergeLocation: (*headersConf).merge,
	Build:         func(c *headersConf, b *locationBuild) { b.location.Settings.Headers = c.all },
}

// add follows ngx_http_headers_add.
func (c *headersConf) add(call *conf.Call) {
	h := web.Header{Name: call.Arg(0)}
	var ok bool
	if h.Value, ok = parseWebTemplate(call, &call.Args()[1]); !ok {
		return
	}
	if len(call.Args()) == 3 {
		if h.Always = call.Arg(2) == "always"; !h.Always {
			call.Fail(&call.Args()[2], "invalid parameter \"%s\"", call.Arg(2))
			return
		}
	}
	c.all = append(c.all, h)
}

func (c *headersConf) merge(child *headersConf) {
	if child.all == nil {
		child.all = c.all
	}
}
