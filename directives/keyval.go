package directives

import "weir/directives/spec"

// keyvalModule is ngx_stream_keyval_module. weir knows its directives, and does not serve them yet.
var keyvalModule = &spec.Module[unserved]{
	Name: "ngx_stream_keyval_module",
	Entries: []spec.Entry[unserved]{
		{Name: "keyval", In: spec.Stream, Args: spec.Take(3), Repeat: true, Support: spec.Refused},
		{Name: "keyval_zone", In: spec.Stream, Args: spec.Take(1, 2, 3, 4, 5), Repeat: true, Support: spec.Refused},
	},
}
