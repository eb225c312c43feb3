package directives

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/internal/resolver"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/proxy"
)

// A resolverUse is one resolver directive. The servers below share one Resolver.
type resolverUse struct {
	origin  string
	options resolver.Options
	zone    string // status_zone=; may be empty
	built   *resolver.Resolver
}

const (
	// dnsPort is the port of a name server that is given without one.
	dnsPort = 53
	// defaultResolverTimeout is the default of resolver_timeout.
	defaultResolverTimeout = 30 * time.Second
)

func (c *streamConf) setResolver(call *conf.Call) { setResolver(&c.resolver, call) }

// setResolver reads a resolver directive at any level. It follows ngx_resolver_create.
func setResolver(use **resolverUse, call *conf.Call) {
	u := &resolverUse{origin: call.Origin()}
	*use = u
	for i := range call.Args() {
		if !u.set(call, &call.Args()[i]) {
			return
		}
	}
	u.count(configOf(call.Level))
	switch {
	case len(u.options.Servers) == 0:
		call.Fail(nil, "no name servers defined")
	case u.options.NoA && u.options.NoAAAA:
		call.Fail(nil, "\"ipv4\" and \"ipv6\" cannot both be \"off\"")
	}
}

// set takes one word: a parameter, or the address of a name server.
func (u *resolverUse) set(call *conf.Call, word *parser.Word) bool {
	name, value, isParam := strings.Cut(word.Text, "=")
	var ok bool
	switch {
	case isParam && name == "valid":
		u.options.Valid, ok = conf.ParseSec(value)
	case isParam && name == "ipv4":
		u.options.NoA, ok = value == "off", value == "on" || value == "off"
	case isParam && name == "ipv6":
		u.options.NoAAAA, ok = value == "off", value == "on" || value == "off"
	case isParam && name == "status_zone":
		u.zone, ok = value, value != ""
	default:
		return u.addServers(call, word)
	}
	if !ok {
		call.Fail(word, "invalid parameter: %s", word.Text)
	}
	return ok
}

// addServers adds all addresses of a name server.
func (u *resolverUse) addServers(call *conf.Call, word *parser.Word) bool {
	addrs, a, err := lookup(call, word)
	if err != nil {
		call.Fail(word, "%s in resolver \"%s\"", err, word.Text)
		return false
	}
	if a.IsUnix {
		call.Fail(word, "\"resolver\" does not support unix sockets: \"%s\"", word.Text)
		return false
	}
	for _, addr := range addrs {
		ip := addr.IP
		if a.NoPort {
			ip = netip.AddrPortFrom(ip.Addr(), dnsPort)
		}
		u.options.Servers = append(u.options.Servers, ip)
	}
	return true
}

// resolver returns the Resolver of the directive and makes it on the first call; nil without a
// directive.
func (u *resolverUse) resolver(c *conf.Compiler) *resolver.Resolver {
	if u == nil || len(u.options.Servers) == 0 {
		return nil
	}
	if u.built == nil {
		u.built = resolver.New(u.options)
		addPart(configOf(c.Main), resolverPart{u.built, "resolver " + u.origin})
	}
	return u.built
}

// count makes the resolver count in its zone.
func (u *resolverUse) count(config *stream.Config) {
	if u.zone == "" {
		return
	}
	zones := &config.Status
	known := len(zones.Resolvers)
	u.options.Counters = zones.Resolver(u.zone)
	if len(zones.Resolvers) > known {
		addPart(config, zonePart[*resolver.Counters]{u.options.Counters, "resolver status_zone " + u.zone})
	}
}

// namesOf returns the resolver and timeout for the host names in the server's proxy_pass.
func namesOf(s *serverBuild) proxy.Resolving {
	c := conf.At[streamConf](s.level)
	return proxy.Resolving{Resolver: c.resolver.resolver(s.Compiler), Timeout: c.resolverTimeout.Or(defaultResolverTimeout)}
}

// A resolverPart is a Resolver as a part of the configuration. After a reload its cache is empty,
// as in nginx.
type resolverPart struct {
	*resolver.Resolver
	key string
}

// Key distinguishes the resolver from those of other directives.
func (p resolverPart) Key() string { return p.key }

// Open sets the log of the Resolver. It opens nothing; the Resolver opens its sockets for the first
// lookup.
func (p resolverPart) Open(_ context.Context, env *stream.Env, _ stream.Part) error {
	p.OnError(func(what string, err error, server netip.AddrPort) {
		env.Log.Write(errorlog.Error, 0, fmt.Sprintf("%s%s while resolving, resolver: %s", what, errorlog.Errno(err), server))
	})
	return nil
}
