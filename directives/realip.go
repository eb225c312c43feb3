package directives

import "weir/directives/spec"

// realipModule is ngx_stream_realip_module. weir knows its directives, and does not serve them yet.
var realipModule = &spec.Module[unserved]{
	Name: "ngx_stream_realip_module",
	Entries: []spec.Entry[unserved]{
		{Name: "set_real_ip_from", In: either, Args: spec.Take(1), Repeat: true, Support: spec.Refused},
	},
	Vars: absent(
		"realip_remote_addr",
		"realip_remote_port",
	),
}
