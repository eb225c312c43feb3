package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/set"
)

// setConf holds the assignments of a server.
type setConf struct {
	assignments set.Handler
}

// setModule is ngx_stream_set_module.
var setModule = &conf.Module[setConf]{
	Name: "ngx_stream_set_module",
	Entries: []conf.Entry[setConf]{
		{Name: "set", In: conf.Server, Args: conf.Take(2), Repeat: true, Set: (*setConf).set},
	},
	Build: (*setConf).build,
}

// set follows ngx_stream_set.
func (c *setConf) set(call *conf.Call) {
	word := &call.Args()[0]
	name, ok := strings.CutPrefix(word.Text, "$")
	if !ok || name == "" {
		call.Fail(word, "invalid variable name \"%s\"", word.Text)
		return
	}
	vars := call.Compiler().Config.Vars
	if err := vars.DefineWeak(set.Variable(name)); err != nil {
		call.Fail(word, "%s", err)
		return
	}
	index := vars.Index(name)
	if value, ok := call.Template(&call.Args()[1]); ok {
		if value.HasVariables() {
			vars.Computed(name)
		}
		c.assignments = append(c.assignments, set.Assignment{Index: index, Value: value})
	}
}

func (c *setConf) build(s *conf.Scope) {
	if len(c.assignments) > 0 {
		s.Handle(stream.PreAccess, c.assignments)
	}
}
