package directives

import "weir/directives/spec"

// upstreamHcModule is ngx_stream_upstream_hc_module. weir knows its directives, and does not serve them yet.
var upstreamHcModule = &spec.Module[unserved]{
	Name: "ngx_stream_upstream_hc_module",
	Entries: []spec.Entry[unserved]{
		{Name: "health_check", In: spec.Server, Args: spec.AtLeast(0), Repeat: true, Support: spec.Refused},
		{Name: "health_check_timeout", In: either, Args: spec.Take(1), Default: "5s", Support: spec.Refused},
		{Name: "match", In: spec.Stream, Args: spec.Take(1), Body: spec.Pairs, Repeat: true, Support: spec.Refused},
	},
}
