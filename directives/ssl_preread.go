package directives

import "weir/directives/conf"

// sslPrereadModule is ngx_stream_ssl_preread_module. weir knows its directives, but does not
// support them yet.
var sslPrereadModule = &streamModule[none, none]{
	Name: "ngx_stream_ssl_preread_module",
	Server: []conf.Entry[none]{
		{Name: "ssl_preread", In: either, Args: conf.OnOff, Default: "off", Support: conf.Refused},
	},
	Vars: absent(false,
		"ssl_preread_alpn_protocols",
		"ssl_preread_protocol",
		"ssl_preread_server_name",
	),
}
