package directives

import (
	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/reply"
)

// returnConf holds the response text of a server.
type returnConf struct {
	text stream.Template
}

// returnModule is ngx_stream_return_module.
var returnModule = &streamModule[none, returnConf]{
	Name: "ngx_stream_return_module",
	Server: []conf.Entry[returnConf]{
		{Name: "return", In: conf.Server, Args: conf.Take(1), Set: (*returnConf).set},
	},
}

func (c *returnConf) set(call *conf.Call) {
	var ok bool
	if c.text, ok = parseTemplate(call, &call.Args()[0]); ok {
		serveBy(call, c.content)
	}
}

func (c *returnConf) content(*serverBuild) stream.Content { return &reply.Content{Text: c.text} }
