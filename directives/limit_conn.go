package directives

import "weir/directives/spec"

// limitConnModule is ngx_stream_limit_conn_module. weir knows its directives, and does not serve them yet.
var limitConnModule = &spec.Module[unserved]{
	Name: "ngx_stream_limit_conn_module",
	Entries: []spec.Entry[unserved]{
		{Name: "limit_conn", In: either, Args: spec.Take(2), Repeat: true, Support: spec.Refused},
		{Name: "limit_conn_dry_run", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
		{Name: "limit_conn_log_level", In: either, Args: spec.Take(1), Default: "error", Support: spec.Refused},
		{Name: "limit_conn_zone", In: spec.Stream, Args: spec.Take(2), Repeat: true, Support: spec.Refused},
	},
	Vars: absent(
		"limit_conn_status",
	),
}
