package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/stream/upstream"
)

// balancing is the load-balancing method of a group; the zero value is round robin.
type balancing struct {
	upstream.Method
	byServer bool // it treats all addresses of one name as one server
}

// setMethod sets the method of the group; the last one applies.
func (c *groupConf) setMethod(call *conf.Call, m balancing, allowsAll bool) {
	if c.method.Method != nil {
		call.Warn(nil, "load balancing method redefined")
	}
	c.method, c.limited = m, !allowsAll
}

func (c *groupConf) leastConn(call *conf.Call) {
	c.setMethod(call, balancing{Method: upstream.LeastConn}, true)
}

// hash follows ngx_stream_upstream_hash; the parameter jump is weir's own.
func (c *groupConf) hash(call *conf.Call) {
	key, ok := parseTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	m := balancing{Method: upstream.Hash(key)}
	if len(call.Args()) > 1 {
		switch call.Arg(1) {
		case "consistent":
			m = balancing{Method: upstream.Consistent(key), byServer: true}
		case "jump":
			m = balancing{Method: upstream.Jump(key), byServer: true}
		default:
			ok = false
		}
	}
	c.setMethod(call, m, false)
	if !ok {
		call.Fail(&call.Args()[1], "invalid parameter \"%s\"", call.Arg(1))
	}
}

// measures maps the parameters of least_time to the times that they compare.
var measures = map[string]upstream.Measure{
	"connect": upstream.ToConnect, "first_byte": upstream.ToFirstByte, "last_byte": upstream.ToLastByte,
}

// leastTime follows ngx_stream_upstream_least_time.
func (c *groupConf) leastTime(call *conf.Call) {
	repeated := c.measure.IsSet()
	inflight := len(call.Args()) > 1
	c.setMethod(call, balancing{Method: upstream.LeastTime(measures[strings.ToLower(call.Arg(0))], inflight)}, true)
	if inflight && call.Arg(1) != "inflight" {
		call.Fail(&call.Args()[1], "invalid parameter \"%s\"", call.Arg(1))
		return
	}
	if repeated {
		call.FailValue("is duplicate")
		return
	}
	conf.Enum(func(c *groupConf) *conf.Opt[upstream.Measure] { return &c.measure }, measures)(c, call)
}

// random follows ngx_stream_upstream_random; least_time is from nginx's commercial edition.
func (c *groupConf) random(call *conf.Call) {
	words := call.Args()
	m := balancing{Method: upstream.Random}
	if len(words) > 0 {
		m = balancing{Method: upstream.RandomTwo}
	}
	var timed bool
	if len(words) > 1 {
		var by upstream.Measure
		if by, timed = randomMeasure(words[1].Text); timed {
			m = balancing{Method: upstream.RandomTwoTimed(by)}
		}
	}
	c.setMethod(call, m, false)
	switch {
	case len(words) > 0 && words[0].Text != "two":
		call.Fail(&words[0], "invalid parameter \"%s\"", words[0].Text)
	case len(words) > 1 && words[1].Text != "least_conn" && !timed:
		call.Fail(&words[1], "invalid parameter \"%s\"", words[1].Text)
	}
}

// randomMeasure reads least_time=MEASURE.
func randomMeasure(text string) (by upstream.Measure, ok bool) {
	name, found := strings.CutPrefix(text, "least_time=")
	by, ok = measures[name]
	return by, found && ok
}
