package directives

import "weir/directives/conf"

// sslPrereadModule is ngx_stream_ssl_preread_module. weir knows its directives, but does not
// support them yet.
var sslPrereadModule = &conf.Module[unserved]{
	Name: "ngx_stream_ssl_preread_module",
	Entries: []conf.Entry[unserved]{
		{Name: "ssl_preread", In: either, Args: conf.OnOff, Default: "off", Support: conf.Refused},
	},
	Vars: absent(false,
		"ssl_preread_alpn_protocols",
		"ssl_preread_protocol",
		"ssl_preread_server_name",
	),
}
