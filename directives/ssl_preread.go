package directives

import "weir/directives/spec"

// sslPrereadModule is ngx_stream_ssl_preread_module. weir knows its directives, and does not serve them yet.
var sslPrereadModule = &spec.Module[unserved]{
	Name: "ngx_stream_ssl_preread_module",
	Entries: []spec.Entry[unserved]{
		{Name: "ssl_preread", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
	},
	Vars: absent(false,
		"ssl_preread_alpn_protocols",
		"ssl_preread_protocol",
		"ssl_preread_server_name",
	),
}
