package directives

import (
	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/sslpreread"
)

// sslPrereadConf holds the settings of ssl_preread.
type sslPrereadConf struct {
	on conf.Opt[bool]
}

// sslPrereadModule is ngx_stream_ssl_preread_module.
var sslPrereadModule = &streamModule[none, sslPrereadConf]{
	Name: "ngx_stream_ssl_preread_module",
	Server: []conf.Entry[sslPrereadConf]{
		{Name: "ssl_preread", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *sslPrereadConf) *conf.Opt[bool] { return &c.on })},
	},
	Vars:  sslpreread.Variables(),
	Merge: func(outer, inner *sslPrereadConf) { inner.on.Inherit(outer.on) },
	Build: (*sslPrereadConf).build,
}

func (c *sslPrereadConf) build(s *serverBuild) {
	if c.on.Or(false) {
		s.handle(stream.Preread, sslpreread.Handler{})
	}
}
