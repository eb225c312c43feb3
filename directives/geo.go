package directives

import "weir/directives/spec"

// geoModule is ngx_stream_geo_module. weir knows its directives, and does not serve them yet.
var geoModule = &spec.Module[unserved]{
	Name: "ngx_stream_geo_module",
	Entries: []spec.Entry[unserved]{
		{Name: "geo", In: spec.Stream, Args: spec.Take(1, 2), Body: spec.Pairs, Repeat: true, Support: spec.Refused},
	},
}
