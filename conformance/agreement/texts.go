package main

import (
	"fmt"
	"slices"
	"strings"
)

// languagePage is the page of nginx's documentation that defines the configuration file.
const languagePage = "ngx_core_module.html"

// sound are valid configurations, to be damaged.
var sound = []string{
	`events { worker_connections 10; }
stream {
    upstream a { hash $remote_addr consistent; server 127.0.0.1:1 weight=2; server "127.0.0.1:2" backup; }
    server { listen 127.0.0.1:8999 backlog=5; proxy_pass a; proxy_timeout 1m30s; }
}
`,
	`# a comment
error_log 'x.log' info;
events { }
stream {
    map $remote_addr $v { default "a b"; ~^127\. 'c;d'; }
    log_format f '$remote_addr "$v" ${status}';
    server { listen 127.0.0.1:8999; access_log x.log f if=$v; return "a\nb\"c"; }
}
`,
	`events {
}
stream {
    include networks.conf;
    geo $g { default 0; include networks; 10.0.0.0/8 1; }
    split_clients "${remote_addr}a" $s { 0.5% a; * b; }
    limit_conn_zone $binary_remote_addr zone=z:32k;
    server { listen 127.0.0.1:8999; limit_conn z 1; allow 127.0.0.0/8; deny all; return $g$s; }
}
`,
}

// damages is the number of damaged variants of each valid configuration.
const damages = 600

// texts tries valid configurations with one or two bytes lost, doubled, replaced or inserted:
// errors of the language itself.
func texts() (all []trial) {
	for i, text := range sound {
		roll := newRandom(text, 0)
		for n := range damages {
			broken, how := roll.damage(text)
			if n%3 == 0 && broken != "" {
				broken, how = roll.damage(broken)
				how += ", and more"
			}
			all = append(all, trial{page: languagePage, name: fmt.Sprintf("text %d, damage %d: %s", i+1, n+1, how), conf: broken})
		}
	}
	return slices.Concat(all, lengths(), includes(), globals())
}

// globals tries texts of -g.
func globals() (all []trial) {
	for _, text := range []string{
		"x", "x;", "x y;", "daemon", "daemon maybe;", "daemon on; daemon off;", "daemon on;\ndaemon off;", "events { }", "stream { }",
		"worker_processes;",
		"worker_processes a;", "error_log /no/such/x;", "error_log stderr loud;", `"daemon`, "'daemon", `"daemon" on;`, `daemon"on;`,
		`"daemon"on;`, "a b c;", "}", ";", "{",
		"{ }", "# nothing", "# nothing\ndaemon x;", "daemon on; # nothing", "pid a;", "user nobody; user root;", "user no-such-user;",
		"include empty.conf;", "include missing.conf;", "include faulty.conf;",
		"include unclosed.conf;", "include *.none;", "listen 1;", "proxy_pass a;", "daemon on", "daemon on;;", "daemon \\;", "env A=$x;",
		"worker_cpu_affinity 2;", "load_module modules/none.so;",
		"daemon on; x", "mail { }", "x {", "x }", "thread_pool a threads=1", "worker_rlimit_nofile -1;", strings.Repeat("x", 5000) + ";",
		"error_log " + strings.Repeat("x", 5000) + ";",
	} {
		all = append(all, trial{page: languagePage, name: "-g " + text, conf: "worker_processes 1;\nevents { }\n", globals: text})
	}
	return all
}

// includes tries include, which belongs to the language, in every context.
func includes() (all []trial) {
	include := &directive{name: "include", page: languagePage}
	for _, context := range contexts {
		for _, text := range []string{
			"include empty.conf;", "include ./empty.conf;", "include missing.conf;", "include /no/such/dir/x;", "include *.none;",
			"include *mpty.conf;", "include [;", "include dir;", "include dir/*;",
			"include;", "include a b;", "include empty.conf { }", "include { }", `include "";`, "include unclosed.conf;",
			"include closing.conf;", "include unended.conf;", "include faulty.conf;",
			"include empty.conf; include empty.conf;", "include *ed.conf;", "INCLUDE empty.conf;", "include $x;",
			"include 'empty.conf';", "include empty.conf", "include networks.conf;",
		} {
			all = append(all, include.in(context, text))
		}
	}
	return all
}

const special = "{};\"'\\$#\n\r\t ()=x\x00\xff"

func (d random) damage(text string) (broken, how string) {
	at := d.IntN(len(text))
	line := 1 + strings.Count(text[:at], "\n")
	c := special[d.IntN(len(special))]
	switch d.IntN(5) {
	case 0:
		return text[:at] + text[at+1:], fmt.Sprintf("without %q of line %d", text[at], line)
	case 1:
		return text[:at] + string(text[at]) + text[at:], fmt.Sprintf("with %q of line %d twice", text[at], line)
	case 2:
		return text[:at] + string([]byte{c}) + text[at:], fmt.Sprintf("with %q in line %d", c, line)
	case 3:
		return text[:at] + string([]byte{c}) + text[at+1:], fmt.Sprintf("with %q in line %d instead of %q", c, line, text[at])
	}
	return text[:at], fmt.Sprintf("up to line %d", line)
}

// lengths tries words, comments and names about as long as nginx's buffer.
func lengths() (all []trial) {
	for _, n := range []int{100, 1000, 4000, 4090, 4093, 4094, 4095, 4096, 4097, 4100, 5000, 8191, 8192, 8193, 12288} {
		long := strings.Repeat("x", n)
		for _, form := range []string{"%s;", `"%s";`, "#%s\nx;", "error_log %s;", "error_log '%s' info;", "a %s b;", "\n\n\"%s\nb",
			"env %s; x;", "env \"%s\"; x;", "env '%s' ; x;"} {
			all = append(all, trial{page: languagePage, name: fmt.Sprintf("%q with %d bytes", form, n), conf: fmt.Sprintf(form,
				long) + "\nevents { }\n"})
		}
	}
	return slices.Clip(all)
}
