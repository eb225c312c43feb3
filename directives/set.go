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
var setModule = &streamModule[none, setConf]{
	Name: "ngx_stream_set_module",
	Server: []conf.Entry[setConf]{
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
	vars := configOf(call.Level).Vars
	if err := vars.DefineWeak(set.Variable(name)); err != nil {
		call.Fail(word, "%s", err)
		return
	}
	index := vars.Index(name)
	if value, ok := parseTemplate(call, &call.Args()[1]); ok {
		if value.HasVariables() {
			vars.Computed(name)
		}
		c.assignments = append(c.assignments, set.Assignment{Index: index, Value: value})
	}
}

func (c *setConf) build(s *serverBuild) {
	if len(c.assignments) > 0 {
		s.handle(stream.PreAccess, c.assignments)
	}
}
