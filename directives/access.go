package directives

import (
	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/access"
)

// accessConf holds the rules of one level, in order.
type accessConf struct {
	rules []access.Rule
}

// accessModule is ngx_stream_access_module.
var accessModule = &streamModule[none, accessConf]{
	Name: "ngx_stream_access_module",
	Server: []conf.Entry[accessConf]{
		{Name: "allow", In: either, Args: conf.Take(1), Repeat: true, Set: (*accessConf).allow},
		{Name: "deny", In: either, Args: conf.Take(1), Repeat: true, Set: (*accessConf).deny},
	},
	Merge: (*accessConf).merge,
	Build: (*accessConf).build,
}

func (c *accessConf) allow(call *conf.Call) { c.rule(call, false) }
func (c *accessConf) deny(call *conf.Call)  { c.rule(call, true) }

// rule follows ngx_stream_access_rule.
func (c *accessConf) rule(call *conf.Call, deny bool) {
	word := &call.Args()[0]
	r := access.Rule{Deny: deny, All: word.Text == "all", Unix: word.Text == "unix:"}
	if !r.All && !r.Unix {
		network, ok := call.CIDR(word)
		if !ok {
			call.Fail(word, "invalid parameter \"%s\"", word.Text)
			return
		}
		r.Network = network
	}
	c.rules = append(c.rules, r)
}

// merge passes the rules to a server that has none of its own.
func (c *accessConf) merge(child *accessConf) {
	if child.rules == nil {
		child.rules = c.rules
	}
}

func (c *accessConf) build(s *serverBuild) {
	if len(c.rules) > 0 {
		s.handle(stream.Access, access.New(c.rules))
	}
}
