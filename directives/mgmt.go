package directives

import "weir/directives/conf"

// mgmtModule is ngx_mgmt_module, which reports the usage of a licensed NGINX Plus. weir needs no
// licence: it accepts the block, so that a configuration can be copied, and reports nothing.
var mgmtModule = &conf.CoreModule{
	Name: "ngx_mgmt_module",
	Tables: []conf.Table{&conf.Settings[none]{Of: conf.Main | conf.Mgmt, Entries: []conf.Entry[none]{
		{Name: "mgmt", In: conf.Main, Args: conf.None, Body: conf.Nested, Support: conf.Inert,
			Set: func(_ *none, call *conf.Call) { call.Nest(conf.Mgmt) }},
		{Name: "enforce_initial_report", In: conf.Mgmt, Args: conf.OnOff, Default: "on", Support: conf.Inert,
			Set: conf.Flag(ignore[none, bool])},
		{Name: "license_token", In: conf.Mgmt, Args: conf.Take(1), Default: "license.jwt", Support: conf.Inert},
		{Name: "proxy", In: conf.Mgmt, Args: conf.Take(1), Support: conf.Inert},
		{Name: "proxy_password", In: conf.Mgmt, Args: conf.Take(1), Support: conf.Inert},
		{Name: "proxy_username", In: conf.Mgmt, Args: conf.Take(1), Support: conf.Inert},
		{Name: "resolver", In: conf.Mgmt, Args: conf.AtLeast(1), Support: conf.Inert},
		{Name: "ssl_crl", In: conf.Mgmt, Args: conf.Take(1), Support: conf.Inert},
		{Name: "ssl_trusted_certificate", In: conf.Mgmt, Args: conf.Take(1), Default: "system CA bundle", Support: conf.Inert},
		{Name: "ssl_verify", In: conf.Mgmt, Args: conf.OnOff, Default: "on", Support: conf.Inert, Set: conf.Flag(ignore[none, bool])},
		{Name: "state_path", In: conf.Mgmt, Args: conf.Take(1), Support: conf.Inert},
		{Name: "usage_report", In: conf.Mgmt, Args: conf.Take(1, 2), Default: "endpoint=product.connect.nginx.com interval=1h",
			Support: conf.Inert},
	}}},
}
