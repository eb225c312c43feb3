package directives

import "weir/directives/spec"

// zoneSyncModule is ngx_stream_zone_sync_module. weir knows its directives, and does not serve them yet.
var zoneSyncModule = &spec.Module[unserved]{
	Name: "ngx_stream_zone_sync_module",
	Entries: []spec.Entry[unserved]{
		{Name: "zone_sync", In: spec.Server, Args: spec.None, Support: spec.Refused},
		{Name: "zone_sync_buffers", In: either, Args: spec.Take(2), Default: "8 4k|8k", Support: spec.Refused},
		{Name: "zone_sync_connect_retry_interval", In: either, Args: spec.Take(1), Default: "1s", Support: spec.Refused},
		{Name: "zone_sync_connect_timeout", In: either, Args: spec.Take(1), Default: "5s", Support: spec.Refused},
		{Name: "zone_sync_interval", In: either, Args: spec.Take(1), Default: "1s", Support: spec.Refused},
		{Name: "zone_sync_recv_buffer_size", In: either, Args: spec.Take(1), Default: "4k|8k", Support: spec.Refused},
		{Name: "zone_sync_server", In: spec.Server, Args: spec.Take(1, 2), Repeat: true, Support: spec.Refused},
		{Name: "zone_sync_ssl", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
		{Name: "zone_sync_ssl_certificate", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "zone_sync_ssl_certificate_key", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "zone_sync_ssl_ciphers", In: either, Args: spec.Take(1), Default: "DEFAULT", Support: spec.Refused},
		{Name: "zone_sync_ssl_conf_command", In: either, Args: spec.Take(2), Repeat: true, Support: spec.Refused},
		{Name: "zone_sync_ssl_crl", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "zone_sync_ssl_name", In: either, Args: spec.Take(1), Default: "host from zone_sync_server", Support: spec.Refused},
		{Name: "zone_sync_ssl_password_file", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "zone_sync_ssl_protocols", In: either, Args: spec.AtLeast(1), Default: "TLSv1.2 TLSv1.3", Support: spec.Refused},
		{Name: "zone_sync_ssl_server_name", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
		{Name: "zone_sync_ssl_trusted_certificate", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "zone_sync_ssl_verify", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
		{Name: "zone_sync_ssl_verify_depth", In: either, Args: spec.Take(1), Default: "1", Support: spec.Refused},
		{Name: "zone_sync_timeout", In: either, Args: spec.Take(1), Default: "5s", Support: spec.Refused},
	},
}
