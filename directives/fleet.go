package directives

import (
	"strings"
	"time"

	"weir/directives/conf"
	"weir/stream"
	"weir/stream/upstream"
)

// parseRate parses a number of events per second, such as "200/s".
func parseRate(text string) (int, bool) {
	digits, ok := strings.CutSuffix(text, "/s")
	if !ok {
		return 0, false
	}
	n, ok := conf.ParseNumber(digits)
	return conf.Int(n), ok && 0 < n && n <= conf.MaxRate
}

// rateOrOff is the setter of a rate, which is 0 for "off".
func rateOrOff[C any](field func(*C) *conf.Opt[int]) func(*C, *conf.Call) {
	return func(c *C, call *conf.Call) {
		rate, ok := parseRate(call.Arg(0))
		if !ok && call.Arg(0) != "off" {
			call.Fail(&call.Args()[0], "invalid rate \"%s\"", call.Arg(0))
			return
		}
		field(c).Set(rate)
	}
}

// setCloseBudgets sets the rates of fleet_close_rate. The groups without their own share that of stream {}.
func (c *upstreamMain) setCloseBudgets(config *stream.Config) {
	config.CloseBudget = stream.NewBudget(c.closeRate.Or(0))
	own := map[*upstream.Group]*groupConf{}
	for _, use := range c.groups {
		own[use.built] = use.conf
	}
	for _, p := range config.Parts {
		g, ok := p.(*upstream.Group)
		if !ok {
			continue
		}
		budget := config.CloseBudget.Within(0)
		if given := own[g]; given != nil && given.closeRate.IsSet() {
			budget = stream.NewBudget(given.closeRate.Or(0))
		}
		g.SetCloseBudget(budget)
	}
}

// queueConf is the directive queue, which nginx has in http only.
type queueConf struct {
	size    int // 0 without a queue
	timeout time.Duration
}

// defaultQueueTimeout is nginx's in http.
const defaultQueueTimeout = 60 * time.Second

// setQueue reads the size of a queue and its timeout.
func (c *groupConf) setQueue(call *conf.Call) {
	size, ok := parseInt(call.Arg(0))
	if !ok || size < 1 {
		call.Fail(&call.Args()[0], "invalid value \"%s\"", call.Arg(0))
		return
	}
	c.queue = queueConf{size, defaultQueueTimeout}
	if len(call.Args()) == 1 {
		return
	}
	text, ok := strings.CutPrefix(call.Arg(1), "timeout=")
	timeout, valid := conf.ParseMsec(text)
	if !ok || !valid {
		call.Fail(&call.Args()[1], "invalid parameter \"%s\"", call.Arg(1))
		return
	}
	c.queue.timeout = timeout
}
