package directives

import "weir/directives/conf"

// jsModule is ngx_stream_js_module. weir knows its directives, but does not support them yet.
var jsModule = &streamModule[none, none]{
	Name: "ngx_stream_js_module",
	Server: []conf.Entry[none]{
		{Name: "js_access", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "js_context_reuse", In: either, Args: conf.Take(1), Default: "128", Support: conf.Refused},
		{Name: "js_engine", In: either, Args: conf.Take(1), Default: "njs", Support: conf.Refused},
		{Name: "js_fetch_buffer_size", In: either, Args: conf.Take(1), Default: "16k", Support: conf.Refused},
		{Name: "js_fetch_ciphers", In: either, Args: conf.Take(1), Default: "HIGH:!aNULL:!MD5", Support: conf.Refused},
		{Name: "js_fetch_keepalive", In: either, Args: conf.Take(1), Default: "0", Support: conf.Refused},
		{Name: "js_fetch_keepalive_requests", In: either, Args: conf.Take(1), Default: "1000", Support: conf.Refused},
		{Name: "js_fetch_keepalive_time", In: either, Args: conf.Take(1), Default: "1h", Support: conf.Refused},
		{Name: "js_fetch_keepalive_timeout", In: either, Args: conf.Take(1), Default: "60s", Support: conf.Refused},
		{Name: "js_fetch_max_response_buffer_size", In: either, Args: conf.Take(1), Default: "1m", Support: conf.Refused},
		{Name: "js_fetch_protocols", In: either, Args: conf.AtLeast(1), Default: "TLSv1 TLSv1.1 TLSv1.2", Support: conf.Refused},
		{Name: "js_fetch_proxy", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "js_fetch_timeout", In: either, Args: conf.Take(1), Default: "60s", Support: conf.Refused},
		{Name: "js_fetch_trusted_certificate", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "js_fetch_verify", In: either, Args: conf.OnOff, Default: "on", Support: conf.Refused},
		{Name: "js_fetch_verify_depth", In: either, Args: conf.Take(1), Default: "100", Support: conf.Refused},
		{Name: "js_filter", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "js_import", In: either, Args: conf.Take(1, 3), Repeat: true, Support: conf.Refused},
		{Name: "js_include", In: conf.Stream, Args: conf.Take(1), Repeat: true, Support: conf.Refused},
		{Name: "js_load_stream_native_module", In: conf.Main, Args: conf.Take(1, 3), Repeat: true, Support: conf.Refused},
		{Name: "js_path", In: either, Args: conf.Take(1), Repeat: true, Support: conf.Refused},
		{Name: "js_periodic", In: conf.Server, Args: conf.Take(1, 2, 3, 4), Repeat: true, Support: conf.Refused},
		{Name: "js_preload_object", In: either, Args: conf.Take(1, 3), Repeat: true, Support: conf.Refused},
		{Name: "js_preread", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "js_set", In: either, Args: conf.Take(2, 3), Repeat: true, Support: conf.Refused},
		{Name: "js_shared_dict_zone", In: conf.Stream, Args: conf.Take(1, 2, 3, 4, 5), Repeat: true, Support: conf.Refused},
		{Name: "js_var", In: either, Args: conf.Take(1, 2), Repeat: true, Support: conf.Refused},
	},
}
