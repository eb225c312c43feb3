package main

import (
	"fmt"
	"regexp"
	"strings"
)

// A trial is one configuration for both programs to test.
type trial struct {
	page  string // of nginx's documentation
	name  string // the subject of the trial
	conf  string
	owned bool // the configuration sets the pid file itself

	globals string // additional text for -g
}

// places are the contexts in which a directive can be tried, by nginx's names: a whole
// configuration, with %s for the directive.
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

// hasContent matches the directives that define how a server handles a session; each server needs
// one.
var hasContent = regexp.MustCompile(`(?m)^(proxy_pass|return|pass)\b`)

// in returns the trial of text in that context.
func (d *directive) in(context, text string) trial {
	if context == "server" && !hasContent.MatchString(text) {
		text += "\nreturn x;"
	}
	return trial{
		page: d.page, name: context + ": " + strings.ReplaceAll(text, "\n", " "), conf: fmt.Sprintf(places[context], text),
		owned: d.name == "pid" || strings.Contains(text, "pid "),
	}
}

// written returns the directive with arguments and its correct ending; a block gets a valid body.
func (d *directive) written(args []string) string {
	return d.name + strings.Join(append([]string{""}, args...), " ") + d.ending()
}

func (d *directive) ending() string {
	if !d.block {
		return ";"
	}
	return " {\n" + bodies[d.name] + "\n}"
}

// wrongEnding returns the ending of the other kind of directive.
func (d *directive) wrongEnding() string {
	if d.block {
		return ";"
	}
	return " { }"
}

// bodies are valid block bodies.
var bodies = map[string]string{
	"upstream":      "server 127.0.0.1:1;",
	"server":        "listen 127.0.0.1:8998; return x;",
	"map":           "default 1; a 2;",
	"geo":           "default 1; 127.0.0.0/8 2;",
	"split_clients": "50% a; * b;",
}

// right returns the directive with valid arguments.
func (d *directive) right() string { return d.written(d.syntax[0].write(plainChooser{})) }
