package directives

import "weir/directives/spec"

// returnModule is ngx_stream_return_module. weir knows its directives, and does not serve them yet.
var returnModule = &spec.Module[unserved]{
	Name: "ngx_stream_return_module",
	Entries: []spec.Entry[unserved]{
		{Name: "return", In: spec.Server, Args: spec.Take(1), Support: spec.Refused},
	},
}
