package directives

import (
	"weir/directives/conf"
	"weir/web"
)

// setNames follows ngx_http_core_server_name.
func (c *httpServer) setNames(call *conf.Call) {
	c.names.read(call, webOf(call.Level).Vars.Regex)
}

// webNames returns the names of a server of http {}.
func webNames(server *conf.Level) *serverNames[web.Regex] { return &conf.At[httpServer](server).names }
