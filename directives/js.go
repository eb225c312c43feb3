package directives

import "weir/directives/spec"

// jsModule is ngx_stream_js_module. weir knows its directives, and does not serve them yet.
var jsModule = &spec.Module[unserved]{
	Name: "ngx_stream_js_module",
	Entries: []spec.Entry[unserved]{
		{Name: "js_access", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "js_context_reuse", In: either, Args: spec.Take(1), Default: "128", Support: spec.Refused},
		{Name: "js_engine", In: either, Args: spec.Take(1), Default: "njs", Support: spec.Refused},
		{Name: "js_fetch_buffer_size", In: either, Args: spec.Take(1), Default: "16k", Support: spec.Refused},
		{Name: "js_fetch_ciphers", In: either, Args: spec.Take(1), Default: "HIGH:!aNULL:!MD5", Support: spec.Refused},
		{Name: "js_fetch_keepalive", In: either, Args: spec.Take(1), Default: "0", Support: spec.Refused},
		{Name: "js_fetch_keepalive_requests", In: either, Args: spec.Take(1), Default: "1000", Support: spec.Refused},
		{Name: "js_fetch_keepalive_time", In: either, Args: spec.Take(1), Default: "1h", Support: spec.Refused},
		{Name: "js_fetch_keepalive_timeout", In: either, Args: spec.Take(1), Default: "60s", Support: spec.Refused},
		{Name: "js_fetch_max_response_buffer_size", In: either, Args: spec.Take(1), Default: "1m", Support: spec.Refused},
		{Name: "js_fetch_protocols", In: either, Args: spec.AtLeast(1), Default: "TLSv1 TLSv1.1 TLSv1.2", Support: spec.Refused},
		{Name: "js_fetch_proxy", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "js_fetch_timeout", In: either, Args: spec.Take(1), Default: "60s", Support: spec.Refused},
		{Name: "js_fetch_trusted_certificate", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "js_fetch_verify", In: either, Args: spec.OnOff, Default: "on", Support: spec.Refused},
		{Name: "js_fetch_verify_depth", In: either, Args: spec.Take(1), Default: "100", Support: spec.Refused},
		{Name: "js_filter", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "js_import", In: either, Args: spec.Take(1, 3), Repeat: true, Support: spec.Refused},
		{Name: "js_include", In: spec.Stream, Args: spec.Take(1), Repeat: true, Support: spec.Refused},
		{Name: "js_load_stream_native_module", In: spec.Main, Args: spec.Take(1, 3), Repeat: true, Support: spec.Refused},
		{Name: "js_path", In: either, Args: spec.Take(1), Repeat: true, Support: spec.Refused},
		{Name: "js_periodic", In: spec.Server, Args: spec.Take(1, 2, 3, 4), Repeat: true, Support: spec.Refused},
		{Name: "js_preload_object", In: either, Args: spec.Take(1, 3), Repeat: true, Support: spec.Refused},
		{Name: "js_preread", In: either, Args: spec.Take(1), Support: spec.Refused},
		{Name: "js_set", In: either, Args: spec.Take(2, 3), Repeat: true, Support: spec.Refused},
		{Name: "js_shared_dict_zone", In: spec.Stream, Args: spec.Take(1, 2, 3, 4, 5), Repeat: true, Support: spec.Refused},
		{Name: "js_var", In: either, Args: spec.Take(1, 2), Repeat: true, Support: spec.Refused},
	},
}
