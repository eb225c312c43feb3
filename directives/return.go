package directives

import (
	"weir/directives/spec"
	"weir/stream"
	"weir/stream/reply"
)

// returnConf holds what a server returns.
type returnConf struct {
	text stream.Template
}

// returnModule is ngx_stream_return_module.
var returnModule = &spec.Module[returnConf]{
	Name: "ngx_stream_return_module",
	Entries: []spec.Entry[returnConf]{
		{Name: "return", In: spec.Server, Args: spec.Take(1), Set: (*returnConf).set},
	},
}

func (c *returnConf) set(call *spec.Call) {
	var ok bool
	if c.text, ok = call.Template(&call.Args()[0]); ok {
		serveBy(call, c.content)
	}
}

func (c *returnConf) content(*spec.Scope) stream.Content { return &reply.Content{Text: c.text} }
