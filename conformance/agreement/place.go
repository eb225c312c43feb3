package main

import (
	"fmt"
	"regexp"
	"strings"
)

// A trial is one configuration for both programs to judge.
type trial struct {
	page  string // of nginx's documentation
	name  string // what is tried
	conf  string
	owned bool // the configuration says by itself where the pid file is

	globals string // further text for -g
}

// places are the contexts in which a directive can be tried, by nginx's names: a whole configuration, with %s for the directive.
var places = map[string]string{
	"main":   "%s\nevents { }\nstream { }\n",
	"events": "events {\n%s\n}\nstream { }\n",
	"stream": "events { }\nstream {\nlog_format known x;\nlimit_conn_zone $remote_addr zone=known:32k;\n%s\n" +
		"upstream known { server 127.0.0.1:1; }\nserver { listen 127.0.0.1:8999; proxy_pass known; }\n}\n",
	"server": "events { }\nstream {\nlog_format known x;\nlimit_conn_zone $remote_addr zone=known:32k;\n" +
		"upstream known { server 127.0.0.1:1; }\nserver {\nlisten 127.0.0.1:8999;\n%s\n}\n}\n",
	"upstream": "events { }\nstream {\nupstream known { server 127.0.0.1:1; }\nupstream u {\n%s\nserver 127.0.0.1:1;\n}\n" +
		"server { listen 127.0.0.1:8999; proxy_pass u; }\n}\n",
}

// contexts are the names of places, in nginx's order.
var contexts = []string{"main", "events", "stream", "server", "upstream"}

// hasContent finds the directives that say what a server does, of which it needs one.
var hasContent = regexp.MustCompile(`(?m)^(proxy_pass|return|pass)\b`)

// in is the trial of text in that context.
func (d *directive) in(context, text string) trial {
	if context == "server" && !hasContent.MatchString(text) {
		text += "\nreturn x;"
	}
	return trial{
		page: d.page, name: context + ": " + strings.ReplaceAll(text, "\n", " "), conf: fmt.Sprintf(places[context], text),
		owned: d.name == "pid" || strings.Contains(text, "pid "),
	}
}

// written is the directive with arguments and its right ending; a block has a body that is right.
func (d *directive) written(args []string) string {
	return d.name + strings.Join(append([]string{""}, args...), " ") + d.ending()
}

func (d *directive) ending() string {
	if !d.block {
		return ";"
	}
	return " {\n" + bodies[d.name] + "\n}"
}

// wrongEnding is the ending that belongs to the other sort of directive.
func (d *directive) wrongEnding() string {
	if d.block {
		return ";"
	}
	return " { }"
}

// bodies are what makes a block right.
var bodies = map[string]string{
	"upstream":      "server 127.0.0.1:1;",
	"server":        "listen 127.0.0.1:8998; return x;",
	"map":           "default 1; a 2;",
	"geo":           "default 1; 127.0.0.0/8 2;",
	"split_clients": "50% a; * b;",
}

// right is the directive with arguments that are right.
func (d *directive) right() string { return d.written(d.syntax[0].write(plainly{})) }
