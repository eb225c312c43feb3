package directives

import "weir/directives/spec"

// mqttFilterModule is ngx_stream_mqtt_filter_module. weir knows its directives, and does not serve them yet.
var mqttFilterModule = &spec.Module[unserved]{
	Name: "ngx_stream_mqtt_filter_module",
	Entries: []spec.Entry[unserved]{
		{Name: "mqtt", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
		{Name: "mqtt_buffers", In: either, Args: spec.Take(2), Default: "100 1k", Support: spec.Refused},
		{Name: "mqtt_rewrite_buffer_size", In: spec.Server, Args: spec.Take(1), Default: "4k|8k", Support: spec.Refused},
		{Name: "mqtt_set_connect", In: spec.Server, Args: spec.Take(2), Repeat: true, Support: spec.Refused},
	},
}
