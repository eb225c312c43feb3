package directives

import "weir/directives/spec"

// setModule is ngx_stream_set_module. weir knows its directives, and does not serve them yet.
var setModule = &spec.Module[unserved]{
	Name: "ngx_stream_set_module",
	Entries: []spec.Entry[unserved]{
		{Name: "set", In: spec.Server, Args: spec.Take(2), Repeat: true, Support: spec.Refused},
	},
}
