package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	wholeFiles = 1500
	// wholePage is the page under which trials of whole configurations are counted.
	wholePage = "whole configurations"
)

// whole tries configurations with many directives at every level: errors that appear only after
// everything has been read, and which of several errors is reported first.
func whole(known []*directive) (all []trial) {
	roll := newRandom("whole configurations", 0)
	for n := range wholeFiles {
		if roll.wrongIn = 0; n%2 == 1 {
			roll.wrongIn = 40
		}
		conf := roll.someDirectives(known, "main", 2) + "events {\n" + roll.someDirectives(known, "events",
			2) + "}\nstream {\nlog_format known x;\nlimit_conn_zone $remote_addr zone=known:32k;\n" +
			roll.upstream(known, "known") + roll.someDirectives(known, "stream", 4)
		for i := range 1 + roll.IntN(3) {
			conf += roll.server(known, 8990+i)
		}
		conf += roll.someDirectives(known, "stream", 2) + "}\n"
		all = append(all, trial{page: wholePage, name: fmt.Sprintf("configuration %d", n+1), conf: conf, owned: strings.Contains(conf,
			"pid ")})
	}
	return all
}

// someDirectives returns up to n directives for that context, each once.
func (d random) someDirectives(known []*directive, context string, n int) (text string) {
	here := slices.DeleteFunc(slices.Clone(known), func(x *directive) bool {
		return !slices.Contains(x.contexts, context) || x.block && context == "main" || x.name == "listen" || x.name == "load_module"
	})
	d.Shuffle(len(here), func(i, j int) { here[i], here[j] = here[j], here[i] })
	for _, x := range here[:min(d.IntN(n+1), len(here))] {
		text += d.use(x) + "\n"
	}
	return text
}

func (d random) upstream(known []*directive, name string) string {
	return "upstream " + name + " {\n" + d.someDirectives(known, "upstream", 4) + "server 127.0.0.1:1;\n" + d.someDirectives(known, "upstream", 2) + "}\n"
}

func (d random) server(known []*directive, port int) string {
	return fmt.Sprintf("server {\nlisten 127.0.0.1:%d;\n%sreturn a;\n%s}\n", port, d.someDirectives(known, "server", 8), d.someDirectives(known, "server", 8))
}
