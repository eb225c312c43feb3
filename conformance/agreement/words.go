package main

// A kind is a set of words for a placeholder: valid words, the usual one first, and words of which
// most are invalid. They are written as in a configuration, with quotes.
type kind struct{ right, wrong []string }

// kindOf returns the words for a placeholder. A kind without an entry is an ordinary word.
func kindOf(name string) kind {
	if k, ok := kinds[name]; ok {
		return k
	}
	if other := sameAs[name]; other != "" {
		return kinds[other]
	}
	return kinds["word"]
}

// sameAs maps names in the documentation to entries with another name.
var sameAs = map[string]string{
	"timeout": "time", "interval": "time", "N": "number", "level": "number", "connections": "number", "rate": "size",
	"value": "string", "key": "string", "condition": "string", "CIDR": "cidr", "address": "peer", "path": "file", "zone": "knownzone",
	"directory": "file",
}

// odd are words that few directives accept.
var odd = []string{
	`""`, `''`, "-1", "0", "1", "2", "1.5", "+1", "0x10", "65536", "2147483648", "9223372036854775807", "9223372036854775808",
	"99999999999999999999", "1k", "10kk", "1m", "1K", "1g", "1s", "1ms", "1m30s", "1s1m", "1y", "1M", `"1h 30m"`, `"1 2"`, "on", "On",
	"off",
	"OFF", "maybe", "none", "auto", "all", "default", "127.0.0.1", "127.0.0.1:1", "localhost:1", "[::1]:1", "unix:", "unix:x", "*:1",
	"*", "::1", "10.0.0.0/8",
	"10.0.0.1/8", "$remote_addr", "${remote_addr}", "$x", "$", "${x", "$1", "$-", "a$", "a=b", "zone=a:1m", "a:b", "~a", "~(",
	"/no/such/file", `"a b"`, `\`,
	`a\ b`, `"a\"b"`, `'a"b'`, `a"b`, `#a`, `a#b`, `a}`, "\u00e9",
}

var kinds = map[string]kind{
	"word": {right: []string{"a", "b_1", "c.d"}, wrong: odd},
	"number": {
		right: []string{"1", "5", "0", "100"},
		wrong: []string{"-1", `""`, "1.5", "1k", "a", "1a", "+1", "0x10", "99999999999999999999", "9223372036854775808", `"1 2"`, "$x",
			"01"},
	},
	"positive": {right: []string{"1", "10"}, wrong: []string{"0", "-1", `""`, "a", "1.5", "65535", "65536", "99999999999999999999"}},
	"signed": {right: []string{"-1", "5", "0"}, wrong: []string{"--1", "-", `""`, "a", "-a", "+1", "-99999999999999999999", "-20",
		"20", "-01"}},
	"size": {
		right: []string{"4k", "1", "1K", "1m", "2M", "8192"},
		wrong: []string{"1g", "1G", "10kk", `""`, "-1", "-1k", "1.5k", "k", "m", "9223372036854775807k", "9007199254740992k",
			"9007199254740991k", "1b", "1kb",
			`"1 k"`, "0", "0k", "1t", "a", "$x", "99999999999999999999"},
	},
	"offset": {
		right: []string{"1m", "1", "1k", "1G", "2g"},
		wrong: []string{"1t", `""`, "-1", "g", "1.5g", "9223372036854775807g", "10gg", "a", "0"},
	},
	"time": {
		right: []string{"1s", "500ms", "1m30s", "1h", `"1h 30m"`, "1d", "1w", "5", "0"},
		wrong: []string{"1s1m", "-1", `""`, "1.5s", "s", "ms", "1y", "1M", "1S", "10ss", "1m1m", "1ms1s", "1s1ms", "1s500ms",
			"99999999999999999999", "9223372036854775807",
			"9223372036854775", "9223372036854776", "9999999999999d", `"1 s"`, `" 1s"`, `"1s "`, `"1h  30m"`, `"1s 1"`, `"1h 30"`,
			"1h30", "1s5", "$x", "a", "1w1y", "1 h"},
	},
	"seconds": {
		right: []string{"10s", "1m30s", "1h", "1y", "1M", "5", "0"},
		wrong: []string{"500ms", "1s1m", "-1", `""`, "1.5s", "s", "1S", "1m1m", "1s500ms", "99999999999999999999", "9223372036854775807",
			"9999999999999y", "1y1M1w1d1h1m1s",
			"1M1y", "a", "$x"},
	},
	"switch": {right: []string{"on", "off"}, wrong: []string{"On", "OFF", "maybe", `""`, "1", "ofx", "onn", "$x"}},
	"listen": {
		right: []string{"127.0.0.1:9001", "9002", "*:9003", "[::1]:9004", "unix:sock", "localhost:9005", "9010-9012", "[::]:9006"},
		wrong: []string{"127.0.0.1:0", "127.0.0.1:65535", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:", "256.0.0.1:9001", "[::1",
			"[::1]x", "[::g]:9001", "[]:9001", "[::1]:",
			"unix:", "UNIX:sock2", "no.such.invalid:9001", "host/path", "127.0.0.1:9001-9000", "9-8", "9012-9012", "127.0.0.1:9013-9014",
			"-1", "0", "65536", `""`, ":9001", ":", "*:", "*x:1", "$x:1",
			"$x", "http://127.0.0.1:9001", "a?b", "127.0.0.1:09008", "127.1:9009", "1.2.3.4.5:1", "1-", "-2", "1-x", "127.0.0.1:1-x",
			"127.0.0.1:9001:1", "[::1]:9004-9005", "255.255.255.255:9001",
			"unix:0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
			"192.0.2.1:9001", "/", "::1", "localhost:", "localhost:0"},
	},
	"peer": {
		right: []string{"127.0.0.1:1", "localhost:2", "[::1]:3", "unix:sock", "known"},
		wrong: []string{"127.0.0.1", "localhost", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:", "256.0.0.1:1", "[::1]",
			"[::1", "[::1]x", "[::g]:1", "[]:1", "[::1]:", "unix:",
			"UNIX:sock", "no.such.invalid:1", "no.such.invalid", "host/path:1", "127.0.0.1:1-2", "1", "-1", "0", `""`, ":1", ":", "*:1",
			"*", "known:1", "KNOWN", "Known:2", "$x", "$x:1", "$remote_addr",
			"$remote_addr:1", "${remote_addr}:1", "${x", "$", "http://127.0.0.1:1", "a?b", "127.0.0.1:01", "127.1:1", "1.2.3:1",
			"0x7f.1:1", "255.255.255.255:1", "/", "::1", "127.0.0.1:1:1",
			"unix:0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
			`"127.0.0.1 :1"`, "127.0.0.1:1a"},
	},
	"resolver": {
		right: []string{"127.0.0.1", "127.0.0.1:53", "[::1]:53", "[::1]", "localhost"},
		wrong: []string{"no.such.invalid", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "unix:x", "[::1", "::1", `""`, "valid=",
			"valid=1", "valid=x", "valid=1ms", "ipv6=on", "ipv4=off", "ipv4=x", "ipv6=x",
			"a/b", "$x", ":53", "*", "1", "status_zone=a", "local=on", "256.0.0.1"},
	},
	"bind": {
		right: []string{"127.0.0.1", "127.0.0.1:9001", "[::1]", "$remote_addr", "::1"},
		wrong: []string{"unix:x", "unix:", "localhost", "localhost:1", "256.0.0.1", "1", `""`, "off", "OFF", "$x", "${x", "$",
			"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "[::1]:1", "[::1",
			"[::1]x", "10.0.0.0/8", "*", "$remote_addr:1", "127.0.0.1:1-2", ":1", "127.1"},
	},
	"cidr": {
		right: []string{"127.0.0.1", "10.0.0.0/8", "::1", "fe80::/10", "0.0.0.0/0"},
		wrong: []string{"10.0.0.1/8", "fe80::1/10", "10.0.0.0/33", "::/129", "10.0.0", `""`, "10.0.0.0/", "/8", "localhost",
			"no.such.invalid", "10.0.0.0/-1", "300.1.1.1", "ALL", "All", "UNIX:", "unix:x", "unix", "$x",
			"10.0.0.0/8/8", "255.255.255.255", "255.255.255.255/32", "10.0.0.0/255.0.0.0", "10.0.0.0/08", "::ffff:10.0.0.1", "[::1]",
			"10.0.0.1:1", "10..0.1", "10.0.0.0/0", "1.2.3.4/", "010.0.0.1", ":", "::",
			"0", "1", "fe80::%eth0", "::/0", "1::/0", "a"},
	},
	"string": {
		right: []string{"$remote_addr", "text", "${remote_addr}", `"a $remote_addr b"`, "$remote_addr$remote_port", "$1",
			"$proxy_protocol_tlv_0x01", "$REMOTE_ADDR", `""`},
		wrong: []string{"$x", "$", "${x", "${}", "${", "a$", `"$ a"`, "$-", "a$x-$y", "$0", "$10", "${1}", "${1",
			"$proxy_protocol_tlv_x", "$ssl_x", "$arg_x", `"${remote_addr"`, `\$x`, `$$`, "$remote_addr$", "${remote_addr}}",
			"$remote_addr.x", "$upstream_addr", "${a-b}", "$tcpinfo_rtt", "$uri"},
	},
	"$variable": {
		right: []string{"$v", "$v_2", "$V3", "$4v"},
		wrong: []string{"v", "$", `""`, "$remote_addr", "$REMOTE_ADDR", "${v}", "$a-b", "$1", `"$ v"`, "$proxy_protocol_tlv_x", "$a$b",
			"$$", "$ssl_protocol", "$pid", "$hostname", "$limit_conn_status", "$upstream_addr",
			"$status", "$geoip_city", "$ssl_preread_server_name", "$realip_remote_addr", "$é"},
	},
	"$known": {right: []string{"$remote_addr", "$proxy_protocol_addr"}, wrong: []string{"remote_addr", "$", "$x", "$1", `""`,
		"${remote_addr}", "$a-b"}},
	"knownzone": {right: []string{"known"}, wrong: []string{"unknown", `""`, "KNOWN", "$x", "known:1", "-", "zone=known"}},
	"zone":      {right: []string{"z"}, wrong: []string{`""`, "known", "$x", "a:b", "Z"}},
	"zonesize": {
		right: []string{"32k", "64k", "1m", "32768"},
		wrong: []string{`""`, "1", "0", "8k", "31k", "32767", "-1", "1g", "1.5m", "k", "10kk", "a", "99999999999999999999", "$x"},
	},
	"knownformat": {right: []string{"known"}, wrong: []string{"unknown", "KNOWN", `""`, "basic", "combined", "$x", "buffer=4k",
		"if=$remote_addr"}},
	"format": {right: []string{"f", "combined"}, wrong: []string{"known", `""`, "KNOWN", "$x"}},
	"escape": {right: []string{"default", "json", "none"}, wrong: []string{`x`, "", "JSON", "jsonx"}},
	"level":  {right: []string{"1", "9"}, wrong: []string{"0", "10", "a", "", "-1", "1x"}},
	"severity": {
		right: []string{"error", "info", "debug", "notice", "warn", "crit", "alert", "emerg", "debug_core", "debug_stream"},
		wrong: []string{"ERROR", "loud", `""`, "stderr", "debug_x", "debug_alloc", "debug_mutex", "debug_event", "debug_http",
			"debug_mail", "debug_connection", "err", "$x", "0"},
	},
	"log": {
		right: []string{"x.log", "stderr", "/dev/null", "syslog:server=127.0.0.1", "syslog:server=unix:x,nohostname",
			"syslog:server=[::1]:1,facility=local0,severity=info,tag=a_1"},
		wrong: []string{`""`, "/no/such/dir/x.log", "no_such_dir/x.log", ".", "/", "$x.log", "$remote_addr.log", "syslog:", "syslog",
			"syslog:server=", "syslog:server", "syslog:server=127.0.0.1:0", "syslog:server=127.0.0.1:x",
			"syslog:server=no.such.invalid", "syslog:server=unix:", "syslog:facility=local0", "syslog:server=127.0.0.1,facility=x",
			"syslog:server=127.0.0.1,severity=x", "syslog:server=127.0.0.1,tag=a-b",
			"syslog:server=127.0.0.1,tag=0123456789012345678901234567890123", "syslog:server=127.0.0.1,server=127.0.0.1",
			"syslog:server=127.0.0.1,x=y", "syslog:server=127.0.0.1,", "syslog:server=127.0.0.1,tag=",
			"syslog:nohostname", "syslog:server=127.0.0.1,nohostname=x", "syslog:server=127.0.0.1,tag=a,tag=b",
			"syslog:server=127.0.0.1,facility=local0,facility=local1", "syslog:server=127.0.0.1,severity=info,severity=info",
			"syslog:tag=a,server=$x", "memory:", "memory:1k", "memory:32k", "memory:x", "SYSLOG:server=127.0.0.1", "off", "offf", "OFF"},
	},
	"file": {right: []string{"file", "../b/file", "dir/file"}, wrong: []string{`""`, "/no/such/dir/file", "$x", "$remote_addr",
		`"a b"`, ".", "/dev/null"}},
	"database": {right: []string{"/usr/share/GeoIP/GeoIP.dat", "/usr/share/GeoIP/GeoIPv6.dat"}, wrong: []string{`""`, "/no/such/file",
		"file", ".", "dir/file", "$x", "a b"}},
	"port": {right: []string{"9001"}, wrong: []string{"0", "65536", "x"}},
	"keepalive": {
		right: []string{"on", "off", "1m:30s:5", "1m::", ":1:", "::3", "1m"},
		wrong: []string{"", "x", "ON", ":", "::", "0:0:0", "1m:x:5", "x:1:1", "1:1:x", "1:1:1:1", "1ms::", "-1::", "::-1", "1:2", "ona"},
	},
	"user":    {right: []string{"root", "nobody"}, wrong: []string{"no-such-user", `""`, "0", "$x"}},
	"group":   {right: []string{"root", "nogroup"}, wrong: []string{"no-such-group", `""`, "0"}},
	"cpumask": {right: []string{"01", "10", "0001"}, wrong: []string{"2", `""`, "a", "01x", "auto", "-1", "0"}},
	"module": {
		right: []string{"modules/a.so"},
		wrong: []string{"/no/such/module.so", `""`, "$x"},
	},
}
