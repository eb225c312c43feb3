package directives

import "weir/directives/conf"

// keyvalModule is ngx_stream_keyval_module. weir knows its directives, but does not support them
// yet.
var keyvalModule = &streamModule[none, none]{
	Name: "ngx_stream_keyval_module",
	Server: []conf.Entry[none]{
		{Name: "keyval", In: conf.Stream, Args: conf.Take(3), Repeat: true, Support: conf.Refused},
		{Name: "keyval_zone", In: conf.Stream, Args: conf.Take(1, 2, 3, 4, 5), Repeat: true, Support: conf.Refused},
	},
}
