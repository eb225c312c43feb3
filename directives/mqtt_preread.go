package directives

import (
	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/mqttpreread"
)

// mqttPrereadConf holds the settings of mqtt_preread.
type mqttPrereadConf struct {
	on conf.Opt[bool]
}

// mqttPrereadModule is ngx_stream_mqtt_preread_module.
var mqttPrereadModule = &streamModule[none, mqttPrereadConf]{
	Name: "ngx_stream_mqtt_preread_module",
	Server: []conf.Entry[mqttPrereadConf]{
		{Name: "mqtt_preread", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *mqttPrereadConf) *conf.Opt[bool] { return &c.on })},
	},
	Vars:  mqttpreread.Variables(),
	Merge: func(outer, inner *mqttPrereadConf) { inner.on.Inherit(outer.on) },
	Build: (*mqttPrereadConf).build,
}

func (c *mqttPrereadConf) build(s *serverBuild) {
	if c.on.Or(false) {
		s.handle(stream.Preread, mqttpreread.Handler{})
	}
}
