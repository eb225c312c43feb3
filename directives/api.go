package directives

import "weir/directives/spec"

// statusZoneModule is the part of ngx_http_api_module that stands in stream servers: status_zone names the zone in which the API
// counts a server's sessions.
var statusZoneModule = &spec.Module[unserved]{
	Name: "ngx_stream_api_module",
	Entries: []spec.Entry[unserved]{
		{Name: "status_zone", In: spec.Server, Args: spec.Take(1), Support: spec.Inert},
	},
}
