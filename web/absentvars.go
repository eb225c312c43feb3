package web

import "strings"

// Variables of nginx that have no value here: those of proxying and of modules that are not served. As in nginx,
// set and map cannot define the first ones again. The others belong to modules that an nginx may be without.
const (
	absentNames = `
	connection_time date_gmt date_local fastcgi_path_info grpc_internal_trailers gzip_ratio http2 http3 is_request_port
	limit_conn_status limit_req_status proxy_add_via proxy_add_x_forwarded_for proxy_internal_body_length
	proxy_internal_chunked realip_remote_addr realip_remote_port request_body request_body_file request_port secure_link
	secure_link_expires slice_range tcpinfo_rcv_space tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd uid_got uid_set
	upstream_addr upstream_bytes_received upstream_bytes_sent upstream_cache_etag upstream_cache_last_modified
	upstream_cache_status upstream_connect_time upstream_header_time upstream_response_length upstream_response_time
	upstream_status geoip_area_code geoip_city geoip_city_continent_code geoip_city_country_code geoip_city_country_code3
	geoip_city_country_name geoip_country_code geoip_country_code3 geoip_country_name geoip_dma_code geoip_latitude
	geoip_longitude geoip_org geoip_postal_code geoip_region geoip_region_name`

	absentChangeableNames = `
	acme_certificate acme_certificate_key ancient_browser invalid_referer jwt_payload modern_browser msie
	oidc_access_token oidc_id_token oidc_userinfo otel_parent_id otel_parent_sampled otel_span_id otel_trace_id proxy_host
	proxy_port session_log_binary_id session_log_id ssl_client_sigalg ssl_early_data ssl_ech_outer_server_name
	ssl_ech_status ssl_session_id ssl_sigalg uid_reset upstream_last_addr upstream_last_server_name upstream_queue_time`
)

// absentPrefixes are the beginnings of such names.
var absentPrefixes = []string{
	"jwt_claim_", "jwt_header_", "oidc_claim_", "sent_trailer_", "upstream_cookie_", "upstream_http_", "upstream_trailer_",
}

func absentVariables() []Variable {
	var all []Variable
	for name := range strings.FieldsSeq(absentNames) {
		all = append(all, Variable{Name: name, Get: notFound})
	}
	for name := range strings.FieldsSeq(absentChangeableNames) {
		all = append(all, Variable{Name: name, Get: notFound, Changeable: true})
	}
	for _, prefix := range absentPrefixes {
		all = append(all, Variable{Name: prefix, Bind: func(string) func(*Request) (string, bool) { return notFound }})
	}
	return all
}
