package directives

import (
	"net/netip"

	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/realip"
)

// realipConf holds the trusted proxies of one level.
type realipConf struct {
	given   bool
	trusted []netip.Prefix
	unix    bool
}

// realipModule is ngx_stream_realip_module.
var realipModule = &streamModule[none, realipConf]{
	Name: "ngx_stream_realip_module",
	Server: []conf.Entry[realipConf]{
		{Name: "set_real_ip_from", In: either, Args: conf.Take(1), Repeat: true, Set: (*realipConf).from},
	},
	Vars:  realip.Variables(),
	Merge: (*realipConf).merge,
	Build: (*realipConf).build,
}

// from follows ngx_stream_realip_from: an argument that is not a network is a name, and all its
// addresses are trusted.
func (c *realipConf) from(call *conf.Call) {
	c.given = true
	word := &call.Args()[0]
	if word.Text == "unix:" {
		c.unix = true
		return
	}
	if network, ok := call.CIDR(word); ok {
		c.trusted = append(c.trusted, network)
		return
	}
	c.named(call, word)
}

func (c *realipConf) named(call *conf.Call, word *parser.Word) {
	addrs, err := conf.Address{Host: word.Text}.Resolve(call.Compiler().Env.LookupHost)
	if err != nil {
		call.Fail(word, "%s in set_real_ip_from \"%s\"", err, word.Text)
		return
	}
	for _, a := range addrs {
		ip := a.IP.Addr()
		c.trusted = append(c.trusted, netip.PrefixFrom(ip.WithZone(""), ip.BitLen()))
	}
}

// merge passes the proxies to a server that has none of its own.
func (c *realipConf) merge(child *realipConf) {
	if !child.given {
		*child = *c
	}
}

func (c *realipConf) build(s *serverBuild) {
	if !c.given {
		return
	}
	vars := s.config.Vars
	s.handle(stream.PostAccept, &realip.Handler{
		Trusted: c.trusted, Unix: c.unix, Parse: conf.ParseIP, Keep: vars.Uses(realip.RemoteAddr) || vars.Uses(realip.RemotePort),
	})
}
