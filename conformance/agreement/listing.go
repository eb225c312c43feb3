package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// A directive is the documentation of one nginx directive, as far as trials need it.
type directive struct {
	module   string
	name     string
	page     string // "ngx_stream_proxy_module.html"
	contexts []string
	syntax   []sequence // one per variant
	block    bool
}

// readListing parses the table of documented directives, which has a line for each variant of a
// directive's syntax. It omits directives that only the http block has, and include, which belongs
// to the language.
func readListing(path string) ([]*directive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []*directive
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(fields[0], "#") || fields[0] == "module" || strings.HasPrefix(fields[0],
			"ngx_http_") || fields[1] == "include" {
			continue
		}
		if len(fields) != 8 {
			return nil, fmt.Errorf("%s: got %d fields, want 8: %q", path, len(fields), lines.Text())
		}
		d := newDirective(fields)
		if last := len(all) - 1; last >= 0 && all[last].module == d.module && all[last].name == d.name {
			all[last].syntax = append(all[last].syntax, d.syntax...)
			continue
		}
		all = append(all, d)
	}
	return all, nil
}

func newDirective(fields []string) *directive {
	page, _, _ := strings.Cut(fields[7], "#")
	d := &directive{module: fields[0], name: fields[1], page: page[strings.LastIndexByte(page, '/')+1:]}
	syntax, block := strings.CutSuffix(fields[3], "{ ... }")
	if other := otherSyntax[d.module+" "+d.name]; other != "" {
		syntax = other
	}
	d.block = block
	d.syntax = []sequence{parseSyntax(strings.TrimSpace(syntax))}
	for name := range strings.SplitSeq(fields[2], ",") {
		if _, ok := places[name]; ok {
			d.contexts = append(d.contexts, name)
		}
	}
	return d
}

// otherSyntax has the syntax of directives whose documented syntax is incomplete without the text
// around it, or is that of a later nginx.
var otherSyntax = map[string]string{
	"ngx_stream_core_module listen": "<listen> [ssl] [udp] [proxy_protocol] [fastopen=<number>] [backlog=<number>] [rcvbuf=<size>] " +
		"[sndbuf=<size>] [deferred] [bind] [ipv6only=<switch>] [reuseport] [so_keepalive=<keepalive>]",
	"ngx_stream_upstream_module server": "<peer> [weight=<number>] [max_conns=<number>] [max_fails=<number>] [fail_timeout=<seconds>] " +
		"[backup] [down]",
	"ngx_stream_upstream_module hash":               "<string> [consistent]",
	"ngx_stream_upstream_module random":             "[two [least_conn]]",
	"ngx_stream_upstream_module zone":               "<zone> [<zonesize>]",
	"ngx_stream_log_module log_format":              "<format> [escape=<escape>] <string> ...",
	"ngx_stream_log_module access_log":              "<log> <knownformat> [buffer=<size>] [gzip] [gzip=<level>] [flush=<time>] [if=<string>] | off",
	"ngx_stream_log_module open_log_file_cache":     "max=<number> [inactive=<seconds>] [min_uses=<number>] [valid=<seconds>] | off",
	"ngx_stream_geoip_module geoip_country":         "<database> [utf8]",
	"ngx_stream_geoip_module geoip_city":            "<database> [utf8]",
	"ngx_stream_geoip_module geoip_org":             "<database> [utf8]",
	"ngx_core_module error_log":                     "<log> [<severity>]",
	"ngx_core_module env":                           "<word> | <word>=<string>",
	"ngx_core_module pid":                           "<file>",
	"ngx_core_module thread_pool":                   "<word> threads=<number> [max_queue=<number>]",
	"ngx_core_module worker_cpu_affinity":           "<cpumask> ... | auto [<cpumask>]",
	"ngx_core_module worker_priority":               "<signed>",
	"ngx_core_module user":                          "<user> [<group>]",
	"ngx_core_module use":                           "epoll | poll | select | <word>",
	"ngx_core_module load_module":                   "<module>",
	"ngx_core_module worker_rlimit_core":            "<offset>",
	"ngx_stream_access_module allow":                "<cidr> | unix: | all",
	"ngx_stream_access_module deny":                 "<cidr> | unix: | all",
	"ngx_core_module debug_connection":              "<cidr> | unix: | localhost",
	"ngx_stream_realip_module set_real_ip_from":     "<cidr> | unix: | localhost",
	"ngx_stream_core_module resolver":               "<resolver> ... [valid=<seconds>] [ipv6=<switch>]",
	"ngx_stream_limit_conn_module limit_conn_zone":  "<string> zone=<word>:<zonesize>",
	"ngx_stream_limit_conn_module limit_conn":       "<knownzone> <positive>",
	"ngx_stream_split_clients_module split_clients": "<string> <$variable>",
	"ngx_stream_map_module map":                     "<string> <$variable>",
	"ngx_stream_geo_module geo":                     "[<$known>] <$variable>",
	"ngx_stream_upstream_module upstream":           "<word>",
	"ngx_stream_proxy_module proxy_pass":            "<peer>",
	"ngx_stream_proxy_module proxy_bind":            "<bind> [transparent] | off",
	"ngx_stream_return_module return":               "<string>",
	"ngx_stream_set_module set":                     "<$variable> <string>",
}
