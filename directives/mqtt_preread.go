package directives

import (
	"weir/directives/spec"
	"weir/stream"
	"weir/stream/mqttpreread"
)

// mqttPrereadConf holds the settings of mqtt_preread.
type mqttPrereadConf struct {
	on spec.Opt[bool]
}

// mqttPrereadModule is ngx_stream_mqtt_preread_module.
var mqttPrereadModule = &spec.Module[mqttPrereadConf]{
	Name: "ngx_stream_mqtt_preread_module",
	Entries: []spec.Entry[mqttPrereadConf]{
		{Name: "mqtt_preread", In: either, Args: spec.OnOff, Default: "off",
			Set: spec.Flag(func(c *mqttPrereadConf) *spec.Opt[bool] { return &c.on })},
	},
	Vars:  mqttpreread.Variables(),
	Merge: func(parent, child *mqttPrereadConf) { child.on.Inherit(parent.on) },
	Build: (*mqttPrereadConf).build,
}

func (c *mqttPrereadConf) build(s *spec.Scope) {
	if c.on.Or(false) {
		s.Handle(stream.Preread, mqttpreread.Handler{})
	}
}
