package directives

import "weir/directives/conf"

// mqttFilterModule is ngx_stream_mqtt_filter_module. weir knows its directives, but does not
// support them yet.
var mqttFilterModule = &streamModule[none, none]{
	Name: "ngx_stream_mqtt_filter_module",
	Server: []conf.Entry[none]{
		{Name: "mqtt", In: either, Args: conf.OnOff, Default: "off", Support: conf.Refused},
		{Name: "mqtt_buffers", In: either, Args: conf.Take(2), Default: "100 1k", Support: conf.Refused},
		{Name: "mqtt_rewrite_buffer_size", In: conf.Server, Args: conf.Take(1), Default: "4k|8k", Support: conf.Refused},
		{Name: "mqtt_set_connect", In: conf.Server, Args: conf.Take(2), Repeat: true, Support: conf.Refused},
	},
}
