package directives

import (
	"strings"

	"weir/directives/conf"
)

// elsewhere contains the directives of nginx's http block that have no table. There they are accepted without
// effect: their arguments are not checked, and their blocks not read. In another block that weir reads, one is
// reported as not allowed here, as in nginx.
var elsewhere = skips()

// A skipGroup lists directives with the same contexts.
type skipGroup struct {
	in    conf.Context
	names string
}

// builtIn are the directives of the modules that nginx is built with.
var builtIn = []skipGroup{
	{conf.Location | conf.IfInLocation | conf.LimitExcept, `
		proxy_pass
	`},
	{conf.HTTPServer | conf.Location | conf.IfInLocation, `
		tunnel_pass
	`},
	{httpLevels &^ conf.LimitExcept, `
		rewrite_log uninitialized_variable_warn
	`},
	{conf.HTTPServer | conf.Location, `
		referer_hash_bucket_size referer_hash_max_size valid_referers
	`},
	{conf.Location | conf.IfInLocation, `
		fastcgi_pass grpc_pass memcached_pass scgi_pass uwsgi_pass
	`},
	{conf.Location, `
		empty_gif flv mp4 random_index
	`},
	{httpAnywhere, `
		add_header_inherit add_trailer add_trailer_inherit charset expires gzip limit_rate limit_rate_after override_charset post_action
		source_charset ssi
	`},
	{conf.HTTP, `
		charset_map fastcgi_cache_path geo http2_recv_buffer_size limit_conn_zone limit_req_zone proxy_cache_path quic_bpf scgi_cache_path
		split_clients upstream uwsgi_cache_path
	`},
	{httpEither, `
		client_body_early_read client_header_buffer_size connection_pool_size http2 http2_body_preread_size http2_idle_timeout
		http2_max_concurrent_pushes http2_max_concurrent_streams http2_max_field_size http2_max_header_size http2_max_requests
		http2_pool_size http2_recv_timeout http2_streams_index_size http3 http3_hq http3_max_concurrent_streams http3_stream_buffer_size
		ignore_invalid_headers large_client_header_buffers max_headers quic_active_connection_id_limit quic_gso quic_host_key quic_retry
		request_pool_size ssl ssl_buffer_size ssl_early_data underscores_in_headers
	`},
	{httpAll, `
		add_after_body add_before_body addition_types aio aio_write ancient_browser ancient_browser_value auth_delay auth_request
		auth_request_set autoindex autoindex_exact_size autoindex_format autoindex_localtime charset_types chunked_transfer_encoding
		client_body_in_file_only client_body_in_single_buffer client_body_temp_path create_full_put_path dav_access dav_methods directio
		directio_alignment disable_symlinks early_hints etag fastcgi_bind fastcgi_buffer_size fastcgi_buffering fastcgi_buffers
		fastcgi_busy_buffers_size fastcgi_cache fastcgi_cache_background_update fastcgi_cache_bypass fastcgi_cache_key fastcgi_cache_lock
		fastcgi_cache_lock_age fastcgi_cache_lock_timeout fastcgi_cache_max_range_offset fastcgi_cache_methods fastcgi_cache_min_uses
		fastcgi_cache_revalidate fastcgi_cache_use_stale fastcgi_cache_valid fastcgi_catch_stderr fastcgi_connect_timeout
		fastcgi_force_ranges fastcgi_hide_header fastcgi_ignore_client_abort fastcgi_ignore_headers fastcgi_index fastcgi_intercept_errors
		fastcgi_keep_conn fastcgi_limit_rate fastcgi_max_temp_file_size fastcgi_next_upstream fastcgi_next_upstream_timeout
		fastcgi_next_upstream_tries fastcgi_no_cache fastcgi_param fastcgi_pass_header fastcgi_pass_request_body
		fastcgi_pass_request_headers fastcgi_read_timeout fastcgi_request_buffering fastcgi_send_lowat fastcgi_send_timeout
		fastcgi_socket_keepalive fastcgi_socket_rcvbuf fastcgi_socket_sndbuf fastcgi_split_path_info fastcgi_store fastcgi_store_access
		fastcgi_temp_file_write_size fastcgi_temp_path grpc_bind grpc_buffer_size grpc_connect_timeout grpc_hide_header
		grpc_ignore_headers grpc_intercept_errors grpc_next_upstream grpc_next_upstream_timeout grpc_next_upstream_tries grpc_pass_header
		grpc_read_timeout grpc_send_timeout grpc_set_header grpc_socket_keepalive grpc_socket_rcvbuf grpc_socket_sndbuf
		grpc_ssl_certificate grpc_ssl_certificate_cache grpc_ssl_certificate_key grpc_ssl_ciphers grpc_ssl_conf_command grpc_ssl_crl
		grpc_ssl_name grpc_ssl_password_file grpc_ssl_protocols grpc_ssl_server_name grpc_ssl_session_reuse grpc_ssl_trusted_certificate
		grpc_ssl_verify grpc_ssl_verify_depth gunzip gunzip_buffers gzip_buffers gzip_comp_level gzip_disable gzip_hash gzip_http_version
		gzip_min_length gzip_no_buffer gzip_proxied gzip_static gzip_types gzip_vary gzip_window http2_chunk_size http2_push
		http2_push_preload if_modified_since keepalive_disable keepalive_min_timeout keepalive_time limit_conn limit_conn_dry_run
		limit_conn_log_level limit_conn_status limit_req limit_req_dry_run limit_req_log_level limit_req_status lingering_close
		lingering_time lingering_timeout log_subrequest max_ranges memcached_bind memcached_buffer_size memcached_connect_timeout
		memcached_gzip_flag memcached_next_upstream memcached_next_upstream_timeout memcached_next_upstream_tries memcached_read_timeout
		memcached_send_timeout memcached_socket_keepalive min_delete_depth mirror mirror_request_body modern_browser modern_browser_value
		mp4_buffer_size mp4_max_buffer_size mp4_start_key_frame msie_padding msie_refresh open_file_cache open_file_cache_errors
		open_file_cache_events open_file_cache_min_uses open_file_cache_valid output_buffers port_in_redirect postpone_gzipping
		postpone_output proxy_bind proxy_buffer_size proxy_buffering proxy_buffers proxy_busy_buffers_size proxy_cache
		proxy_cache_background_update proxy_cache_bypass proxy_cache_convert_head proxy_cache_key proxy_cache_lock proxy_cache_lock_age
		proxy_cache_lock_timeout proxy_cache_max_range_offset proxy_cache_methods proxy_cache_min_uses proxy_cache_revalidate
		proxy_cache_use_stale proxy_cache_valid proxy_connect_timeout proxy_cookie_domain proxy_cookie_flags proxy_cookie_path
		proxy_force_ranges proxy_headers_hash_bucket_size proxy_headers_hash_max_size proxy_hide_header proxy_http_version
		proxy_ignore_client_abort proxy_ignore_headers proxy_intercept_errors proxy_limit_rate proxy_max_temp_file_size proxy_method
		proxy_next_upstream proxy_next_upstream_timeout proxy_next_upstream_tries proxy_no_cache proxy_pass_header proxy_pass_request_body
		proxy_pass_request_headers proxy_pass_trailers proxy_read_timeout proxy_redirect proxy_request_buffering proxy_send_lowat
		proxy_send_timeout proxy_set_body proxy_set_header proxy_socket_keepalive proxy_socket_rcvbuf proxy_socket_sndbuf
		proxy_ssl_certificate proxy_ssl_certificate_cache proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_conf_command proxy_ssl_crl
		proxy_ssl_name proxy_ssl_password_file proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse
		proxy_ssl_trusted_certificate proxy_ssl_verify proxy_ssl_verify_depth proxy_store proxy_store_access proxy_temp_file_write_size
		proxy_temp_path read_ahead real_ip_header real_ip_recursive recursive_error_pages reset_timedout_connection scgi_bind
		scgi_buffer_size scgi_buffering scgi_buffers scgi_busy_buffers_size scgi_cache scgi_cache_background_update scgi_cache_bypass
		scgi_cache_key scgi_cache_lock scgi_cache_lock_age scgi_cache_lock_timeout scgi_cache_max_range_offset scgi_cache_methods
		scgi_cache_min_uses scgi_cache_revalidate scgi_cache_use_stale scgi_cache_valid scgi_connect_timeout scgi_force_ranges
		scgi_hide_header scgi_ignore_client_abort scgi_ignore_headers scgi_intercept_errors scgi_limit_rate scgi_max_temp_file_size
		scgi_next_upstream scgi_next_upstream_timeout scgi_next_upstream_tries scgi_no_cache scgi_param scgi_pass_header
		scgi_pass_request_body scgi_pass_request_headers scgi_read_timeout scgi_request_buffering scgi_send_timeout scgi_socket_keepalive
		scgi_socket_rcvbuf scgi_socket_sndbuf scgi_store scgi_store_access scgi_temp_file_write_size scgi_temp_path secure_link
		secure_link_md5 secure_link_secret send_lowat sendfile_max_chunk server_name_in_redirect set_real_ip_from slice
		ssi_ignore_recycled_buffers ssi_last_modified ssi_min_file_chunk ssi_silent_errors ssi_types ssi_value_length sub_filter
		sub_filter_last_modified sub_filter_once sub_filter_types subrequest_output_buffer_size tunnel_bind tunnel_buffer_size
		tunnel_connect_timeout tunnel_next_upstream tunnel_next_upstream_timeout tunnel_next_upstream_tries tunnel_read_timeout
		tunnel_send_lowat tunnel_send_timeout tunnel_socket_keepalive tunnel_socket_rcvbuf tunnel_socket_sndbuf userid userid_domain
		userid_expires userid_flags userid_mark userid_name userid_p3p userid_path userid_service uwsgi_bind uwsgi_buffer_size
		uwsgi_buffering uwsgi_buffers uwsgi_busy_buffers_size uwsgi_cache uwsgi_cache_background_update uwsgi_cache_bypass uwsgi_cache_key
		uwsgi_cache_lock uwsgi_cache_lock_age uwsgi_cache_lock_timeout uwsgi_cache_max_range_offset uwsgi_cache_methods
		uwsgi_cache_min_uses uwsgi_cache_revalidate uwsgi_cache_use_stale uwsgi_cache_valid uwsgi_connect_timeout uwsgi_force_ranges
		uwsgi_hide_header uwsgi_ignore_client_abort uwsgi_ignore_headers uwsgi_intercept_errors uwsgi_limit_rate uwsgi_max_temp_file_size
		uwsgi_modifier1 uwsgi_modifier2 uwsgi_next_upstream uwsgi_next_upstream_timeout uwsgi_next_upstream_tries uwsgi_no_cache
		uwsgi_param uwsgi_pass_header uwsgi_pass_request_body uwsgi_pass_request_headers uwsgi_read_timeout uwsgi_request_buffering
		uwsgi_send_timeout uwsgi_socket_keepalive uwsgi_socket_rcvbuf uwsgi_socket_sndbuf uwsgi_ssl_certificate
		uwsgi_ssl_certificate_cache uwsgi_ssl_certificate_key uwsgi_ssl_ciphers uwsgi_ssl_conf_command uwsgi_ssl_crl uwsgi_ssl_name
		uwsgi_ssl_password_file uwsgi_ssl_protocols uwsgi_ssl_server_name uwsgi_ssl_session_reuse uwsgi_ssl_trusted_certificate
		uwsgi_ssl_verify uwsgi_ssl_verify_depth uwsgi_store uwsgi_store_access uwsgi_string uwsgi_temp_file_write_size uwsgi_temp_path
		xslt_types
	`},
	{0, `
		hash ip_hash keepalive least_conn least_time random sticky
	`},
}

// optional are the directives of modules that an nginx may have: those that it loads, and those of its
// commercial edition. Outside http {} they are unknown unless another block has them.
var optional = []skipGroup{
	{httpLevels, `
		auth_jwt auth_jwt_claim_set auth_jwt_header_set auth_jwt_key_cache auth_jwt_key_file auth_jwt_key_request auth_jwt_leeway
		auth_jwt_require auth_jwt_type auth_oidc auth_require brotli brotli_buffers brotli_comp_level brotli_min_length brotli_static
		brotli_types brotli_window degradation degrade f4f f4f_buffer_size fastcgi_cache_purge geoip2 geoip2_proxy geoip2_proxy_recursive
		geoip_city geoip_country geoip_org geoip_proxy geoip_proxy_recursive health_check hls hls_buffers hls_forward_args hls_fragment
		hls_mp4_buffer_size hls_mp4_max_buffer_size image_filter image_filter_buffer image_filter_interlace image_filter_jpeg_quality
		image_filter_sharpen image_filter_transparency image_filter_webp_quality internal_redirect js_access js_body_filter js_content
		js_context_reuse js_engine js_fetch_buffer_size js_fetch_ciphers js_fetch_keepalive js_fetch_keepalive_requests
		js_fetch_keepalive_time js_fetch_keepalive_timeout js_fetch_max_response_buffer_size js_fetch_protocols js_fetch_proxy
		js_fetch_timeout js_fetch_trusted_certificate js_fetch_verify js_fetch_verify_depth js_header_filter js_import js_include js_path
		js_periodic js_preload_object js_set js_shared_dict_zone js_var keyval keyval_zone match more_clear_headers
		more_clear_input_headers more_set_headers more_set_input_headers num_map oidc_provider otel_exporter otel_resource_attr
		otel_service_name otel_span_attr otel_span_name otel_trace otel_trace_context perl perl_modules perl_require perl_set
		proxy_cache_purge scgi_cache_purge session_log session_log_format session_log_zone status status_format upstream_conf
		uwsgi_cache_purge xml_entities xml_external_entities xslt_last_modified xslt_param xslt_string_param xslt_stylesheet
	`},
}

// otherContent are the directives that make the content of a location, which weir does not have.
const otherContent = `
	empty_gif f4f fastcgi_pass flv grpc_pass hls image_filter memcached_pass mp4 perl proxy_pass random_index scgi_pass tunnel_pass
	upstream_conf status uwsgi_pass
`

// otherAccess are the directives that restrict access in ways that weir does not have. Locations with one of
// them refuse all requests.
const otherAccess = `auth_jwt auth_jwt_require auth_oidc auth_request auth_require js_access`

// definesFirst and definesSecond are directives whose first or second argument is a new variable.
const (
	definesFirst  = `auth_request_set js_set js_var perl_set auth_jwt_claim_set auth_jwt_header_set`
	definesSecond = `keyval num_map split_clients`
)

func skips() map[string]conf.Skip {
	all := map[string]conf.Skip{}
	for _, g := range builtIn {
		for name := range strings.FieldsSeq(g.names) {
			all[name] = conf.Skip{In: g.in}
		}
	}
	for _, g := range optional {
		for name := range strings.FieldsSeq(g.names) {
			all[name] = conf.Skip{In: g.in, Optional: true}
		}
	}
	setSkips(all, otherContent, unsupportedContent)
	setSkips(all, otherAccess, unsupportedAccess)
	setSkips(all, definesFirst, definesVariable(0))
	setSkips(all, definesSecond, definesVariable(1))
	setSkips(all, "geo", definesLast)
	setSkips(all, "js_content", jsContent)
	setSkips(all, "geoip2", geoip2Variables)
	setSkips(all, "set_real_ip_from", otherAddresses)
	return all
}

// setSkips sets the action of directives.
func setSkips(all map[string]conf.Skip, names string, set func(*conf.Call)) {
	for name := range strings.FieldsSeq(names) {
		s := all[name]
		s.Set = set
		all[name] = s
	}
}

// geoip2Variables defines the variables in a geoip2 block.
func geoip2Variables(call *conf.Call) {
	if call.Dir.Body == nil {
		return
	}
	for _, line := range call.Dir.Body.Directives {
		if strings.HasPrefix(line.Name.Text, "$") {
			defineAbsent(call, &line.Name)
		}
	}
}
