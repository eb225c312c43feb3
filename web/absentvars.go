package web

import "strings"

// absentNames are variables of nginx that have no value here: those of proxying, of modules that are not
// served, and of TLS without a connection that has it.
const absentNames = `
	ancient_browser connection_time date_gmt date_local fastcgi_path_info geoip_area_code geoip_city
	geoip_city_continent_code geoip_city_country_code geoip_city_country_code3 geoip_city_country_name
	geoip_country_code geoip_country_code3 geoip_country_name geoip_dma_code geoip_latitude geoip_longitude geoip_org
	geoip_postal_code geoip_region geoip_region_name gzip_ratio http2 http3 invalid_referer is_request_port
	limit_conn_status limit_req_status memcached_key modern_browser msie proxy_add_via proxy_add_x_forwarded_for
	proxy_host proxy_port quic realip_remote_addr realip_remote_port realpath_root request_body request_body_file
	request_port secure_link secure_link_expires slice_range tcpinfo_rcv_space tcpinfo_rtt tcpinfo_rttvar
	tcpinfo_snd_cwnd uid_got uid_reset uid_set upstream_addr upstream_bytes_received upstream_bytes_sent
	upstream_cache_etag upstream_cache_last_modified upstream_cache_status upstream_connect_time
	upstream_header_time upstream_response_length upstream_response_time upstream_status upstream_queue_time
	upstream_last_server_name ssl_alpn_protocol ssl_ciphers ssl_client_cert ssl_client_escaped_cert
	ssl_client_fingerprint ssl_client_i_dn ssl_client_i_dn_legacy ssl_client_raw_cert ssl_client_s_dn
	ssl_client_s_dn_legacy ssl_client_serial ssl_client_sigalg ssl_client_v_end ssl_client_v_remain
	ssl_client_v_start ssl_curve ssl_curves ssl_early_data ssl_ech_outer_server_name ssl_ech_status
	ssl_session_id ssl_session_reused ssl_sigalg ssl_sigalgs`

// absentPrefixes are the beginnings of such names.
var absentPrefixes = []string{"upstream_cookie_", "upstream_http_", "upstream_trailer_", "sent_trailer_", "trailer_", "jwt_claim_", "jwt_header_"}

func absentVariables() []Variable {
	var all []Variable
	for name := range strings.FieldsSeq(absentNames) {
		all = append(all, Variable{Name: name, Get: notFound, Changeable: true})
	}
	for _, prefix := range absentPrefixes {
		all = append(all, Variable{Name: prefix, Bind: func(string) func(*Request) (string, bool) { return notFound }})
	}
	return all
}
