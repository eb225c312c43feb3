package main

import (
	"fmt"
	"strings"
)

// A bodyKind is a block with lines of its own kind.
type bodyKind struct {
	page  string
	heads []string
	lines []string
	many  int // number of bodies made of several lines
}

var bodyKinds = []bodyKind{
	{page: "ngx_stream_map_module.html", many: 250, heads: []string{"map $remote_addr $v", "map text $v", "map $x $v",
		"map $remote_addr v", "map $v $v", "map $remote_addr $remote_addr"},
		lines: []string{
			"default 1;", "default $remote_addr;", "default $x;", "default;", "default 1 2;", "a 1;", "A 2;", "a;", "a 1 2;", `"" 3;`,
			"hostnames;", "hostnames 1;", "volatile;", "volatile 1;", "*.a.b 4;",
			".a.b 5;", "a.* 6;", "*.A.b 7;", "*.* 8;", "* 9;", "*a 1;", "a* 1;", "~a 1;", "~*a 1;", "~(a 1;", "~ 1;", "~* 1;",
			"~^(?<n>a) $n;", "~^(?<remote_addr>a) 1;", "~a$ $1;", `\default 1;`, `\~a 1;`,
			`\hostnames 1;`, "include lines;", "include missing;", "include *.none;", "include;", "include a b;", "include faulty;",
			"map a $b { }", "a { }", "{ }", ";", "a $;", "a ${x;", "a $x;", "a a$b;", "a. 1;", ".a 1;",
			"..a 1;", "a..b 1;", "*.a. 2;", "$remote_addr 1;", "a 1; a 2;", `"a b" c;`, "~a(?=b) 1;", "~[ 1;", "~a{2,1} 1;", `~\ 1;`,
			"~(?P<n>a) 1;", "~(?<1a>b) 1;",
		}},
	{page: "ngx_stream_geo_module.html", many: 300, heads: []string{"geo $v", "geo $remote_addr $v", "geo $x $v", "geo v",
		"geo remote_addr $v", "geo $remote_addr"},
		lines: []string{
			"default 1;", "default;", "default 2;", "default 1 2;", "127.0.0.0/8 1;", "127.0.0.0/8 2;", "127.0.0.1/8 2;", "127.0.0.1 3;",
			"::1 1;", "fe80::/10 2;", "fe80::1/10 2;", "10.0.0.0/33 1;", "10.0.0 1;", "a 1;",
			"delete 127.0.0.0/8;", "delete 10.0.0.0/8;", "delete a;", "delete;", "delete 127.0.0.1-127.0.0.2;",
			"delete 127.0.0.0-127.255.255.255;", "ranges;", "ranges 1;", "volatile;", "proxy 127.0.0.1;", "proxy a;",
			"proxy 10.0.0.1/8;", "proxy_recursive;",
			"127.0.0.0-127.255.255.255 1;", "127.0.0.0-127.255.255.255 2;", "10.0.0.0-10.0.0.255 1;", "10.0.0.128-10.0.1.0 2;",
			"10.0.0.64-10.0.0.65 3;", "10.0.0.2-10.0.0.1 1;", "10.0.0.1-a 1;", "a-10.0.0.1 1;", "10.0.0.1 1;", "::1-::2 1;",
			"255.255.255.255 1;", "255.255.255.255/32 1;", "0.0.0.0/0 1;", "::/0 1;", "include lines;", "include missing;",
			"include networks;", "include;", "include a b;", "geo $a { }", "a { }", ";", "127.0.0.1 $remote_addr;", "127.0.0.1;",
			"10.0.0.0/8 \"\";",
			"0.0.0.0-255.255.255.255 1;", "10.0.0.0-10.0.0.0 1;", "- 1;", "10.0.0.0- 1;", "-10.0.0.0 1;",
			"10.0.0.0-10.0.0.1-10.0.0.2 1;", "::ffff:10.0.0.1 1;", "DEFAULT 1;",
		}},
	{page: "ngx_stream_split_clients_module.html", many: 150, heads: []string{"split_clients $remote_addr $v", "split_clients text $v",
		"split_clients $x $v", "split_clients $remote_addr v", "split_clients $remote_addr $remote_addr"},
		lines: []string{
			"50% a;", "* b;", "50% $remote_addr;", "* c;", "100% a;", "0% a;", "0.01% a;", "0.001% a;", "50 a;", "50%;", "50% a b;",
			"-1% a;", "100.01% a;", "101% a;", "1e1% a;", "% a;", ".5% a;", "5.% a;", "a b;", "50.55% a;", "60% a;",
			"include lines;",
			"50% \"\";", "** a;", "*% a;", "50%% a;", "1.2.3% a;", "a { }", ";", "99999999999999999999% a;", "\"\" a;",
		}},
	{page: "ngx_stream_upstream_module.html", many: 400, heads: []string{"upstream u", "upstream known", "upstream Known",
		"upstream a b", "upstream", `upstream ""`, "upstream 127.0.0.1:1", "upstream $x", "upstream u:80", "upstream unix:x"},
		lines: []string{
			"server 127.0.0.1:1;", "server 127.0.0.1:2;", "server 127.0.0.1:3 backup;", "server 127.0.0.1:4 down;", "server 127.0.0.1;",
			"server a b;", "server 127.0.0.1:1 weight=0;", "server 127.0.0.1:1 backup weight=5 max_fails=0 fail_timeout=0;",
			"hash $remote_addr;",
			"hash $remote_addr consistent;", "hash text;", "hash $x;", "hash;", "hash $remote_addr x;", "least_conn;", "least_conn a;",
			"random;", "random two;", "random two least_conn;", "random three;", "random two x;", "random two least_conn x;",
			"zone a 64k;", "zone a;", "zone a 32k;",
			"zone known 64k;", "zone b 1k;", "zone b;", "zone b 64k;", "zone;", "keepalive 5;", "ip_hash;", "server { }", "listen 1;",
			"proxy_pass u;", "}", "{", ";", "least_time connect;", "server localhost:1;", "server no.such.invalid:1;",
			"server unix:x;", "sticky;", "upstream a { }",
		}},
	{page: "ngx_stream_core_module.html", many: 500, heads: []string{"server", "server a"},
		lines: []string{
			"listen 127.0.0.1:8998;", "listen 8997;", "listen 127.0.0.1:8997;", "listen 127.0.0.1:8998 bind;", "listen *:8997;",
			"listen 127.0.0.1:8996 udp;", "listen 127.0.0.1:8998 udp;", "listen [::1]:8998;", "listen [::]:8997;",
			"listen [::]:8997 ipv6only=off;", "listen unix:s;", "listen unix:s;",
			"listen 8990-8995;", "listen 8992;", "listen 127.0.0.1:8998 proxy_protocol;", "listen 127.0.0.1:8998 backlog=5;",
			"listen 127.0.0.1:8995 reuseport;", "listen localhost:8998;", "listen 127.0.0.1:8998 ssl;", "proxy_pass known;",
			"proxy_pass 127.0.0.1:1;", "proxy_pass u;", "proxy_pass later;", "proxy_pass known:1;",
			"proxy_pass later:1;", "proxy_pass $remote_addr;", "return a;", "return $x;", "return $remote_addr;", "set $a b;",
			"set $a $x;", "set $a $a;", "set a b;", "allow all;", "deny all;", "limit_conn known 1;", "limit_conn known 2;",
			"limit_conn none 1;", "limit_conn unsized 1;", "access_log x.log known;",
			"access_log x.log known buffer=4k;", "access_log x.log known buffer=8k;", "access_log x.log;", "access_log off;",
			"access_log $x known;", "access_log $remote_addr known;", "error_log x.log;", "error_log stderr;", "proxy_timeout 1s;",
			"proxy_timeout a;", "proxy_bind 127.0.0.1;", "proxy_bind a;", "proxy_buffer_size 1k;",
			"proxy_downstream_buffer 1k;", "proxy_upstream_buffer 1k;", "tcp_nodelay on;", "tcp_nodelay a;", "server { }",
			"upstream u { }", "unknown;", ";", "preread_timeout 1s;", "set_real_ip_from 127.0.0.1;", "set_real_ip_from a;",
			"proxy_protocol on;", "proxy_next_upstream off;",
		}},
}

// blocks tries each block with every line alone, and with several at random.
func blocks() (all []trial) {
	for _, k := range bodyKinds {
		for _, head := range k.heads {
			all = append(all, k.in(head, ""), k.in(head, k.lines[0]))
		}
		for _, line := range k.lines {
			all = append(all, k.in(k.heads[0], line), k.in(k.heads[0], k.lines[0]+"\n"+line), k.in(k.heads[0], line+"\n"+k.lines[0]))
		}
		roll := newRandom("lines of "+k.page, 0)
		for range k.many {
			var lines []string
			for range 2 + roll.IntN(4) {
				lines = append(lines, roll.of(k.lines))
			}
			if k.heads[0] == "server" && !hasContent.MatchString(strings.Join(lines, "\n")) {
				lines = append(lines, "return a;")
			}
			all = append(all, k.in(k.heads[0], strings.Join(lines, "\n")))
		}
	}
	return all
}

// in returns the trial of a block within stream {}, and uses the variable that the block defines,
// if any.
func (k *bodyKind) in(head, body string) trial {
	text := head + " {\n" + body + "\n}"
	use := "x"
	if strings.HasSuffix(head, "$v") {
		use = "$v"
	}
	return trial{
		page: k.page, name: "stream: " + strings.ReplaceAll(text, "\n", " "),
		conf: fmt.Sprintf("events { }\nstream {\nlog_format known x;\nlimit_conn_zone $remote_addr zone=known:32k;\n"+
			"upstream known { server 127.0.0.1:1; }\n%s\nupstream later { server 127.0.0.1:2; }\nserver { listen 127.0.0.1:8999; return %s; }\n}\n",
			text, use),
	}
}
