package directives

import (
	"weir/directives/conf"
	streamaccess "weir/stream/modules/access"
	"weir/web/modules/access"
)

// httpAccess holds the rules of one level, in order.
type httpAccess struct {
	rules          accessConf
	closedBy       *conf.Call // a directive that restricts access and is not supported
	otherAddresses *conf.Call // set_real_ip_from
}

// httpAccessModule is ngx_http_access_module.
var httpAccessModule = &httpModule[none, none, httpAccess]{
	Name: "ngx_http_access_module",
	Location: []conf.Entry[httpAccess]{
		{Name: "allow", In: httpAll | conf.LimitExcept, Args: conf.Take(1), Repeat: true,
			Set: func(c *httpAccess, call *conf.Call) { c.rules.allow(call) }},
		{Name: "deny", In: httpAll | conf.LimitExcept, Args: conf.Take(1), Repeat: true,
			Set: func(c *httpAccess, call *conf.Call) { c.rules.deny(call) }},
	},
	MergeLocation: (*httpAccess).merge,
	Build:         (*httpAccess).build,
}

func (c *httpAccess) merge(child *httpAccess) {
	c.rules.merge(&child.rules)
	if child.closedBy == nil {
		child.closedBy = c.closedBy
	}
	if child.otherAddresses == nil {
		child.otherAddresses = c.otherAddresses
	}
}

func (c *httpAccess) build(b *locationBuild) {
	if len(c.rules.rules) > 0 {
		b.check(access.Checker{Rules: streamaccess.New(c.rules.rules)})
	}
	closedBy := c.closedBy
	if closedBy == nil && len(c.rules.rules) > 0 {
		closedBy = c.otherAddresses
	}
	if closedBy != nil {
		b.check(access.Closed{By: closedBy.Dir.Name.Text})
		b.location.AnyAccess = false
	}
}
