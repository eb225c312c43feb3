package directives

import (
	"math"

	"weir/directives/conf"
	"weir/internal/mqtt"
	"weir/stream"
	"weir/stream/modules/mqttfilter"
	"weir/stream/modules/proxy"
)

// mqttFilterConf holds the settings of the MQTT filter at one level.
type mqttFilterConf struct {
	on     conf.Opt[bool]
	limit  conf.Opt[int64] // mqtt_buffers: the product of its arguments
	values [mqttfilter.NumFields]*stream.Template
	setter *conf.Call // the first mqtt_set_connect; nil without one
}

// mqttFilterModule is ngx_stream_mqtt_filter_module.
var mqttFilterModule = &streamModule[none, mqttFilterConf]{
	Name: "ngx_stream_mqtt_filter_module",
	Server: []conf.Entry[mqttFilterConf]{
		{Name: "mqtt", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *mqttFilterConf) *conf.Opt[bool] { return &c.on })},
		{Name: "mqtt_buffers", In: either, Args: conf.Take(2), Default: "100 1k", Set: (*mqttFilterConf).setBuffers},
		{Name: "mqtt_rewrite_buffer_size", In: conf.Server, Args: conf.Take(1), Default: "4k|8k", Support: conf.Inert,
			Set: (*mqttFilterConf).checkBufferSize},
		{Name: "mqtt_set_connect", In: conf.Server, Args: conf.Take(2), Repeat: true, Set: (*mqttFilterConf).setConnect},
	},
	Merge: func(outer, inner *mqttFilterConf) {
		inner.on.Inherit(outer.on)
		inner.limit.Inherit(outer.limit)
	},
	Complete: (*mqttFilterConf).complete,
	Build:    (*mqttFilterConf).build,
}

// setBuffers reads a number and a size, as ngx_conf_set_bufs_slot.
func (c *mqttFilterConf) setBuffers(call *conf.Call) {
	number, ok := conf.ParseNumber(call.Arg(0))
	size, isSize := conf.ParseSize(call.Arg(1))
	if !ok || !isSize || number == 0 || size == 0 {
		call.FailValue("invalid value")
		return
	}
	if number > math.MaxInt64/size {
		number = math.MaxInt64 / size
	}
	c.limit.Set(number * size)
}

// checkBufferSize checks the size and warns: the directive is obsolete.
func (c *mqttFilterConf) checkBufferSize(call *conf.Call) {
	if _, ok := conf.ParseSize(call.Arg(0)); !ok {
		call.FailValue("invalid value")
		return
	}
	call.Warn(nil, "the \"%s\" directive is deprecated, use the \"mqtt_buffers\" directive instead", call.Dir.Name.Text)
}

// setConnect reads a field and its value.
func (c *mqttFilterConf) setConnect(call *conf.Call) {
	name, word := &call.Args()[0], &call.Args()[1]
	field, ok := mqttfilter.Fields[name.Text]
	if !ok {
		call.Fail(name, "invalid field \"%s\"", name.Text)
		return
	}
	if c.values[field] != nil {
		call.Fail(name, "duplicate field \"%s\"", name.Text)
		return
	}
	t, ok := parseTemplate(call, word)
	if !ok {
		return
	}
	if !t.HasVariables() {
		if err := field.Check(t.Text()); err != nil {
			call.Fail(word, "invalid value of field \"%s\": %s", name.Text, err)
			return
		}
	}
	c.values[field] = &t
	if c.setter == nil {
		c.setter = call
	}
}

// complete warns of values that are not used.
func (c *mqttFilterConf) complete(*streamBuild, *conf.Level) {
	if c.setter != nil && !c.on.Or(false) {
		c.setter.Warn(nil, "\"mqtt_set_connect\" has no effect: \"mqtt\" is off")
	}
}

// build adds the filter to a server that proxies: other contents send nothing of the client to a server.
func (c *mqttFilterConf) build(s *serverBuild) {
	if _, proxied := s.server.Content.(*proxy.Content); !proxied || !c.on.Or(false) {
		return
	}
	limit := min(c.limit.Or(100<<10), mqtt.MaxSize)
	s.server.Filter = &mqttfilter.Filter{Values: c.values, Limit: conf.Int(limit)}
}
