package directives

import "weir/directives/spec"

// accessModule is ngx_stream_access_module. weir knows its directives, and does not serve them yet.
var accessModule = &spec.Module[unserved]{
	Name: "ngx_stream_access_module",
	Entries: []spec.Entry[unserved]{
		{Name: "allow", In: either, Args: spec.Take(1), Repeat: true, Support: spec.Refused},
		{Name: "deny", In: either, Args: spec.Take(1), Repeat: true, Support: spec.Refused},
	},
}
