package directives

import (
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/parser"
)

// mailModule is the mail block, which weir skips with a warning about the addresses that are not served.
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
