package directives

import (
	"weir/directives/conf"
	"weir/web"
	"weir/web/modules/mapping"
)

// httpMapMain holds the settings of ngx_http_map_module.
type httpMapMain struct{ mapMain }

// httpMapModule is ngx_http_map_module. The sizes of nginx's hash tables have no effect.
var httpMapModule = &httpModule[httpMapMain, none, none]{
	Name: "ngx_http_map_module",
	Main: []conf.Entry[httpMapMain]{
		{Name: "map", In: conf.HTTP, Args: conf.Take(2), Body: conf.Pairs, Repeat: true, Set: (*httpMapMain).block},
		{Name: "map_hash_bucket_size", In: conf.HTTP, Args: conf.Take(1), Default: "32|64|128", Support: conf.Inert,
			Set: httpHashSize(func(c *mapMain) *conf.Opt[int64] { return &c.bucketSize })},
		{Name: "map_hash_max_size", In: conf.HTTP, Args: conf.Take(1), Default: "2048", Support: conf.Inert,
			Set: httpHashSize(func(c *mapMain) *conf.Opt[int64] { return &c.maxSize })},
	},
}

func httpHashSize(field func(*mapMain) *conf.Opt[int64]) func(*httpMapMain, *conf.Call) {
	set := hashSize(field)
	return func(c *httpMapMain, call *conf.Call) { set(&c.mapMain, call) }
}

// block follows ngx_http_map_block.
func (c *httpMapMain) block(call *conf.Call) {
	c.used = true
	source, ok := parseWebTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	word := &call.Args()[1]
	name, ok := variableName(call, word)
	if !ok {
		return
	}
	m := mapping.New(source, webOf(call.Level).Vars)
	v := web.Variable{Name: name, Changeable: true, Get: m.Get, NoCache: readMap(call, m)}
	if err := webOf(call.Level).Vars.Define(v); err != nil {
		call.Fail(word, "%v", err)
	}
}
