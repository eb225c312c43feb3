package directives

import "weir/directives/conf"

// statusZoneModule is the part of ngx_http_api_module for stream servers: status_zone names the
// zone in which the API counts the sessions of a server.
var statusZoneModule = &streamModule[none, none]{
	Name: "ngx_stream_api_module",
	Server: []conf.Entry[none]{
		{Name: "status_zone", In: conf.Server, Args: conf.Take(1), Support: conf.Inert},
	},
}
