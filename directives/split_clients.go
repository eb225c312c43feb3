package directives

import (
	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/splitclients"
)

// splitClientsModule is ngx_stream_split_clients_module.
var splitClientsModule = &streamModule[none, none]{
	Name: "ngx_stream_split_clients_module",
	Main: []conf.Entry[none]{
		{Name: "split_clients", In: conf.Stream, Args: conf.Take(2), Body: conf.Pairs, Repeat: true, Set: splitClientsBlock},
	},
}

// splitClientsBlock follows ngx_conf_split_clients_block.
func splitClientsBlock(_ *none, call *conf.Call) {
	source, ok := parseTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	name, ok := newVariable(call, &call.Args()[1])
	if !ok {
		return
	}
	split := splitclients.New(source)
	eachLine(call, func(line *conf.Call) { splitClientsLine(split, line) })
	redefine(configOf(call.Level).Vars, stream.Variable{Name: name, Changeable: true, Configured: true, Get: split.Get})
	if !call.Complete() {
		return
	}
	if err := split.Finish(); err != nil {
		call.EndLine().Fail(nil, "%v", err)
	}
}

// splitClientsLine reads one line. nginx ignores words after the second, and uses an undefined
// value if the second is missing.
func splitClientsLine(split *splitclients.Split, line *conf.Call) {
	value := ""
	if len(line.Args()) > 0 {
		value = line.Arg(0)
	}
	err := split.Add(line.Dir.Name.Text, value)
	switch {
	case err != nil:
		line.Fail(nil, "%v", err)
	case len(line.Args()) == 0:
		line.Fail(nil, "invalid number of the split_clients parameters")
	}
}
