package directives

import "weir/directives/spec"

// splitClientsModule is ngx_stream_split_clients_module. weir knows its directives, and does not serve them yet.
var splitClientsModule = &spec.Module[unserved]{
	Name: "ngx_stream_split_clients_module",
	Entries: []spec.Entry[unserved]{
		{Name: "split_clients", In: spec.Stream, Args: spec.Take(2), Body: spec.Pairs, Repeat: true, Support: spec.Refused},
	},
}
