package directives

import "weir/directives/conf"

// hints are the suggestions for refused directives. The parameters are those of nginx's
// documentation, and weir's own.
var hints = conf.Hints{
	Parameters: map[string][]string{
		"access_log":       {"buffer=", "flush=", "gzip", "gzip=", "if="},
		"error_log":        {"alert", "crit", "debug", "emerg", "error", "info", "json", "notice", "warn"},
		"fleet_disconnect": {"off", "on", "reference="},
		"hash":             {"consistent", "jump"},
		"health_check": {
			"client_id=", "fails=", "interval=", "jitter=", "mandatory", "match=", "mode=", "passes=", "password=", "persistent", "port=",
			"status=", "type=", "udp", "uri=", "user=", "version=",
		},
		"keyval_zone":     {"state=", "sync", "timeout=", "type=", "zone="},
		"least_time":      {"connect", "first_byte", "inflight", "last_byte"},
		"limit_conn_zone": {"zone="},
		"listen": {
			"accept_filter=", "backlog=", "bind", "default_server", "deferred", "fastopen=", "ipv6only=", "multipath", "proxy_protocol",
			"rcvbuf=", "reuseport", "setfib=", "sndbuf=", "so_keepalive=", "ssl", "udp",
		},
		"mqtt_set_connect":    {"clientid", "password", "username"},
		"open_log_file_cache": {"inactive=", "max=", "min_uses=", "valid="},
		"proxy_bind":          {"transparent"},
		"random":              {"least_conn", "least_time=", "two"},
		"resolver":            {"ipv4=", "ipv6=", "status_zone=", "valid="},
		"server": {
			"backup", "down", "drain", "fail_timeout=", "max_connect_rate=", "max_conns=", "max_fails=", "resolve", "ring=", "service=",
			"slow_start=", "weight=",
		},
	},
	Remedies: map[string]string{
		"ssl_ech_file":                "the file of OpenSSL is not supported; without it the name that clients request is not encrypted",
		"ngx_stream_js_module":        "map, geo, set and num_map replace many scripts",
		"ngx_stream_zone_sync_module": "instances with the same hash need no shared state; examples/active-active shows how",
	},
}
