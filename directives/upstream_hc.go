package directives

import "weir/directives/conf"

// upstreamHcModule is ngx_stream_upstream_hc_module. weir knows its directives, but does not
// support them yet.
var upstreamHcModule = &streamModule[none, none]{
	Name: "ngx_stream_upstream_hc_module",
	Server: []conf.Entry[none]{
		{Name: "health_check", In: conf.Server, Args: conf.AtLeast(0), Repeat: true, Support: conf.Refused},
		{Name: "health_check_timeout", In: either, Args: conf.Take(1), Default: "5s", Support: conf.Refused},
		{Name: "match", In: conf.Stream, Args: conf.Take(1), Body: conf.Pairs, Repeat: true, Support: conf.Refused},
	},
}
