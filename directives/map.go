package directives

import "weir/directives/spec"

// mapModule is ngx_stream_map_module. weir knows its directives, and does not serve them yet.
var mapModule = &spec.Module[unserved]{
	Name: "ngx_stream_map_module",
	Entries: []spec.Entry[unserved]{
		{Name: "map", In: spec.Stream, Args: spec.Take(2), Body: spec.Pairs, Repeat: true, Support: spec.Refused},
		{Name: "map_hash_bucket_size", In: spec.Stream, Args: spec.Take(1), Default: "32|64|128", Support: spec.Refused},
		{Name: "map_hash_max_size", In: spec.Stream, Args: spec.Take(1), Default: "2048", Support: spec.Refused},
	},
}
