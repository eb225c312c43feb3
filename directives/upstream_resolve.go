package directives

import (
	"time"

	"weir/directives/conf"
	"weir/parser/diag"
	"weir/stream/upstream"
)

// resolveParams are the parameters of a server whose name is resolved again while weir runs.
type resolveParams struct {
	resolve bool
	service string
	// eachAddress is `ring=address`, which nginx does not have.
	eachAddress bool
}

// groupNames holds the resolver directives of a group.
type groupNames struct {
	resolver *resolverUse // nil uses that of stream {}
	timeout  conf.Opt[time.Duration]
}

func (c *groupConf) setResolver(call *conf.Call) { setResolver(&c.names.resolver, call) }

// follow reads the address of a server with the parameter resolve, without a lookup. A literal
// address needs no lookup, and makes an ordinary server.
func (c *groupConf) follow(call *conf.Call, use *serverUse) {
	word := &call.Args()[0]
	a, err := conf.ParseUpstream(word.Text)
	literal := a.IsUnix || a.IP.IsValid()
	switch {
	case err != nil:
		call.Fail(word, "%s in upstream \"%s\"", err, word.Text)
	case use.service == "" && a.NoPort:
		call.Fail(word, "no port in upstream \"%s\"", word.Text)
	case use.service != "" && !use.resolve:
		call.Fail(word, "service upstream \"%s\" requires \"resolve\" parameter", word.Text)
	case use.service != "" && !a.NoPort && !a.IsUnix:
		call.Fail(word, "service upstream \"%s\" may not have port", word.Text)
	case use.service != "" && literal:
		call.Fail(word, "service upstream \"%s\" requires domain name", word.Text)
	case literal:
		use.addrs, _ = resolveServer(call)
	default:
		use.call, use.host, use.port = call, a.Host, uint16(a.Port)
	}
}

// isNamed reports whether the server's addresses are resolved while weir runs.
func (s *serverUse) isNamed() bool { return s.host != "" }

// named returns the server for its group.
func (s *serverUse) named() *upstream.DynamicServer {
	return &upstream.DynamicServer{
		Template: *s.like(), Host: s.host, Port: s.port, Service: s.service, EachAddress: s.eachAddress,
	}
}

// mayFollow reports what a group with named servers lacks. It follows
// ngx_stream_upstream_init_round_robin.
func (g *groupUse) mayFollow() bool {
	switch {
	case len(g.named()) == 0:
		return true
	case g.conf.zone == "":
		g.comp.ReportBare(diag.Emerg, "resolving names at run time requires upstream \"%s\" in %s to be in shared memory", g.name, g.origin)
		return false
	case g.resolver() == nil:
		g.comp.ReportBare(diag.Emerg, "no resolver defined to resolve names at run time in upstream \"%s\" in %s", g.name, g.origin)
		return false
	}
	return true
}

// named returns the servers of the group that are resolved while weir runs.
func (g *groupUse) named() []*upstream.DynamicServer {
	var all []*upstream.DynamicServer
	for i := range g.conf.servers {
		if s := &g.conf.servers[i]; s.isNamed() {
			all = append(all, s.named())
		}
	}
	return all
}

// resolver returns the resolver directive of the group, or else that of stream {}.
func (g *groupUse) resolver() *resolverUse {
	if own := g.conf.names.resolver; own != nil {
		return own
	}
	return conf.At[streamConf](g.level).resolver
}

// build makes the group from the valid servers.
func (g *groupUse) build() *upstream.Group {
	group := g.newGroup()
	if q := g.conf.queue; q.size > 0 {
		group.SetQueue(q.size, q.timeout)
	}
	return group
}

func (g *groupUse) newGroup() *upstream.Group {
	if g.conf.zone == "" {
		return upstream.NewGroup(g.name, g.conf.peers(), g.conf.balancer())
	}
	g.warnOfOneRingPlace()
	zone := upstream.Zone{Name: g.conf.zone, Size: g.comp.ZoneSize(g.conf.zone)}
	group := upstream.NewZoneGroup(g.name, zone, g.conf.peers(), g.conf.balancer(), g.named(), g.resolving())
	group.SetState(g.conf.state)
	return group
}

// resolving returns the resolver and timeout for the names of the group.
func (g *groupUse) resolving() upstream.Resolving {
	timeout := g.conf.names.timeout
	timeout.Inherit(conf.At[streamConf](g.level).resolverTimeout)
	return upstream.Resolving{Resolver: g.resolver().resolver(g.comp), Timeout: timeout.Or(defaultResolverTimeout)}
}

// warnOfOneRingPlace warns of names whose addresses a hash method treats as one server, in nginx as
// in weir: its clients are not spread by their keys.
func (g *groupUse) warnOfOneRingPlace() {
	if !g.conf.method.byServer {
		return
	}
	for i := range g.conf.servers {
		s := &g.conf.servers[i]
		if s.isNamed() && s.service == "" && !s.eachAddress {
			s.call.Warn(&s.call.Args()[0], "all addresses of \"%s\" are one server for the \"hash\" of upstream \"%s\", "+
				"as in nginx: \"ring=address\" makes each of them a server of its own", s.name, g.name)
		}
	}
}
