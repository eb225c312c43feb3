package directives

import "weir/directives/conf"

// zoneSyncModule is ngx_stream_zone_sync_module. weir knows its directives, but does not support
// them yet.
var zoneSyncModule = &streamModule[none, none]{
	Name: "ngx_stream_zone_sync_module",
	Server: []conf.Entry[none]{
		{Name: "zone_sync", In: conf.Server, Args: conf.None, Support: conf.Refused},
		{Name: "zone_sync_buffers", In: either, Args: conf.Take(2), Default: "8 4k|8k", Support: conf.Refused},
		{Name: "zone_sync_connect_retry_interval", In: either, Args: conf.Take(1), Default: "1s", Support: conf.Refused},
		{Name: "zone_sync_connect_timeout", In: either, Args: conf.Take(1), Default: "5s", Support: conf.Refused},
		{Name: "zone_sync_interval", In: either, Args: conf.Take(1), Default: "1s", Support: conf.Refused},
		{Name: "zone_sync_recv_buffer_size", In: either, Args: conf.Take(1), Default: "4k|8k", Support: conf.Refused},
		{Name: "zone_sync_server", In: conf.Server, Args: conf.Take(1, 2), Repeat: true, Support: conf.Refused},
		{Name: "zone_sync_ssl", In: either, Args: conf.OnOff, Default: "off", Support: conf.Refused},
		{Name: "zone_sync_ssl_certificate", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "zone_sync_ssl_certificate_key", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "zone_sync_ssl_ciphers", In: either, Args: conf.Take(1), Default: "DEFAULT", Support: conf.Refused},
		{Name: "zone_sync_ssl_conf_command", In: either, Args: conf.Take(2), Repeat: true, Support: conf.Refused},
		{Name: "zone_sync_ssl_crl", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "zone_sync_ssl_name", In: either, Args: conf.Take(1), Default: "host from zone_sync_server", Support: conf.Refused},
		{Name: "zone_sync_ssl_password_file", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "zone_sync_ssl_protocols", In: either, Args: conf.AtLeast(1), Default: "TLSv1.2 TLSv1.3", Support: conf.Refused},
		{Name: "zone_sync_ssl_server_name", In: either, Args: conf.OnOff, Default: "off", Support: conf.Refused},
		{Name: "zone_sync_ssl_trusted_certificate", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "zone_sync_ssl_verify", In: either, Args: conf.OnOff, Default: "off", Support: conf.Refused},
		{Name: "zone_sync_ssl_verify_depth", In: either, Args: conf.Take(1), Default: "1", Support: conf.Refused},
		{Name: "zone_sync_timeout", In: either, Args: conf.Take(1), Default: "5s", Support: conf.Refused},
	},
}
