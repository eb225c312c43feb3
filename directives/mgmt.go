package directives

import (
	"weir/directives/spec"
)

// mgmtModule is ngx_mgmt_module, which reports the usage of a licensed NGINX Plus. weir needs no licence: the block is accepted, so
// that a configuration can be copied, and nothing is reported to anybody.
var mgmtModule = &spec.Module[unserved]{
	Name: "ngx_mgmt_module",
	Entries: []spec.Entry[unserved]{
		{Name: "mgmt", In: spec.Main, Args: spec.None, Body: spec.Nested, Support: spec.Inert,
			Set: func(_ *unserved, call *spec.Call) { call.Nest(spec.Mgmt) }},
		{Name: "enforce_initial_report", In: spec.Mgmt, Args: spec.OnOff, Default: "on", Support: spec.Inert,
			Set: spec.Flag(ignore[unserved, bool])},
		{Name: "license_token", In: spec.Mgmt, Args: spec.Take(1), Default: "license.jwt", Support: spec.Inert},
		{Name: "proxy", In: spec.Mgmt, Args: spec.Take(1), Support: spec.Inert},
		{Name: "proxy_password", In: spec.Mgmt, Args: spec.Take(1), Support: spec.Inert},
		{Name: "proxy_username", In: spec.Mgmt, Args: spec.Take(1), Support: spec.Inert},
		{Name: "resolver", In: spec.Mgmt, Args: spec.AtLeast(1), Support: spec.Inert},
		{Name: "ssl_crl", In: spec.Mgmt, Args: spec.Take(1), Support: spec.Inert},
		{Name: "ssl_trusted_certificate", In: spec.Mgmt, Args: spec.Take(1), Default: "system CA bundle", Support: spec.Inert},
		{Name: "ssl_verify", In: spec.Mgmt, Args: spec.OnOff, Default: "on", Support: spec.Inert, Set: spec.Flag(ignore[unserved, bool])},
		{Name: "state_path", In: spec.Mgmt, Args: spec.Take(1), Support: spec.Inert},
		{Name: "usage_report", In: spec.Mgmt, Args: spec.Take(1, 2), Default: "endpoint=product.connect.nginx.com interval=1h",
			Support: spec.Inert},
	},
}
