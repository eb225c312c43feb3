package directives

import (
	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/nummap"
)

// numMapModule is ngx_stream_num_map_module.
var numMapModule = &streamModule[none, none]{
	Name: "ngx_stream_num_map_module",
	Main: []conf.Entry[none]{
		{Name: "num_map", In: conf.Stream, Args: conf.Take(1, 2), Body: conf.Pairs, Repeat: true, Set: numMapBlock},
	},
}

// numMapBlock makes the variable of one block. The syntax on the page omits the number, and the
// page does not define that case.
func numMapBlock(_ *none, call *conf.Call) {
	if len(call.Args()) == 1 {
		call.Fail(nil, "\"num_map\" directive without a number is not supported by weir")
		return
	}
	source, ok := parseTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	name, ok := newVariable(call, &call.Args()[1])
	if !ok {
		return
	}
	m := nummap.New(source)
	v := stream.Variable{Name: name, Changeable: true, Get: m.Get}
	eachLine(call, func(line *conf.Call) {
		if isWord(line, "volatile") {
			v.NoCache = true
			return
		}
		addLine(line, "invalid number of the num_map parameters", m.Add)
	})
	redefine(configOf(call.Level).Vars, v)
}
