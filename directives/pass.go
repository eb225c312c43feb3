package directives

import "weir/directives/spec"

// passModule is ngx_stream_pass_module. weir knows its directives, and does not serve them yet.
var passModule = &spec.Module[unserved]{
	Name: "ngx_stream_pass_module",
	Entries: []spec.Entry[unserved]{
		{Name: "pass", In: spec.Server, Args: spec.Take(1), Support: spec.Refused},
	},
}
