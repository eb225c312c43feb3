package directives

import "weir/directives/spec"

// numMapModule is ngx_stream_num_map_module. weir knows its directives, and does not serve them yet.
var numMapModule = &spec.Module[unserved]{
	Name: "ngx_stream_num_map_module",
	Entries: []spec.Entry[unserved]{
		{Name: "num_map", In: spec.Stream, Args: spec.Take(1, 2), Body: spec.Pairs, Repeat: true, Support: spec.Refused},
	},
}
