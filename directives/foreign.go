package directives

import (
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/parser"
)

// httpModule is the http block: weir skips it and warns about the addresses that are not served.
var httpModule = &conf.CoreModule{
	Name: "ngx_http_core_module",
	Tables: []conf.Table{&conf.Settings[none]{Of: conf.Main, Entries: append([]conf.Entry[none]{
		{Name: "http", In: conf.Main, Args: conf.None, Body: conf.Skipped, Set: skipBlock},
	}, foreignEntries("ngx_http_core_module")...)}},
}

// mailModule is the mail block, which weir skips in the same way.
var mailModule = &conf.CoreModule{
	Name: "ngx_mail_core_module",
	Tables: []conf.Table{&conf.Settings[none]{Of: conf.Main, Entries: []conf.Entry[none]{
		{Name: "mail", In: conf.Main, Args: conf.None, Body: conf.Skipped, Set: skipBlock},
	}}},
}

// skipBlock warns that the block's servers are not served.
func skipBlock(_ *none, call *conf.Call) {
	addrs := listenWords(call.Dir.Body, nil)
	if len(addrs) == 0 {
		call.Warn(nil, "\"%s\" block ignored: it has no \"listen\" directive", call.Dir.Name.Text)
		return
	}
	call.Warn(nil, "\"%s\" block ignored: weir does not listen on %s", call.Dir.Name.Text, strings.Join(addrs, ", "))
}

// listenWords appends the first argument of every listen directive in b, each once.
func listenWords(b *parser.Block, addrs []string) []string {
	for _, d := range b.Directives {
		if d.Name.Text == "listen" && len(d.Args) > 0 && !slices.Contains(addrs, d.Args[0].Text) {
			addrs = append(addrs, d.Args[0].Text)
		}
		if d.Body != nil {
			addrs = listenWords(d.Body, addrs)
		}
	}
	return addrs
}

// foreignModules are the modules of the http block. Their directives are known, so that one outside
// the block is refused with nginx's message; inside the block none is checked.
func foreignModules() []conf.Module {
	var all []conf.Module
	for _, m := range foreignNames {
		if m.module != httpModule.Name {
			all = append(all, &conf.CoreModule{
				Name: m.module, Tables: []conf.Table{&conf.Settings[none]{Entries: foreignEntries(m.module)}},
			})
		}
	}
	return all
}

func foreignEntries(module string) []conf.Entry[none] {
	var entries []conf.Entry[none]
	for _, m := range foreignNames {
		for _, name := range m.directives {
			if m.module == module {
				entries = append(entries, conf.Entry[none]{Name: name, In: conf.Foreign, Support: conf.Refused})
			}
		}
	}
	return entries
}

var foreignNames = []struct {
	module     string
	directives []string
}{
	{"ngx_http_access_module", []string{
		"allow", "deny",
	}},
	{"ngx_http_api_module", []string{
		"api", "status_zone",
	}},
	{"ngx_http_auth_basic_module", []string{
		"auth_basic", "auth_basic_user_file",
	}},
	{"ngx_http_core_module", []string{
		"alias", "client_body_buffer_size", "client_body_timeout", "client_header_timeout", "client_max_body_size",
		"default_type", "error_page", "internal", "keepalive_requests", "keepalive_timeout", "limit_except", "listen",
		"location", "resolver", "resolver_timeout", "root", "satisfy", "send_timeout", "sendfile", "server",
		"server_name", "server_names_hash_bucket_size", "server_names_hash_max_size", "server_tokens", "tcp_nodelay",
		"tcp_nopush", "try_files", "types", "types_hash_bucket_size", "types_hash_max_size",
		"variables_hash_bucket_size", "variables_hash_max_size",
	}},
	{"ngx_http_index_module", []string{
		"index",
	}},
	{"ngx_http_log_module", []string{
		"access_log", "log_format", "open_log_file_cache",
	}},
	{"ngx_http_rewrite_module", []string{
		"if", "return", "set",
	}},
	{"ngx_http_ssl_module", []string{
		"ssl_certificate", "ssl_certificate_key", "ssl_ciphers", "ssl_client_certificate", "ssl_crl",
		"ssl_password_file", "ssl_protocols", "ssl_session_cache", "ssl_session_timeout", "ssl_trusted_certificate",
		"ssl_verify_client", "ssl_verify_depth",
	}},
	{"ngx_http_stub_status_module", []string{
		"stub_status",
	}}}
