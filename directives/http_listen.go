package directives

import (
	"errors"
	"fmt"
	"net/netip"

	"weir/directives/conf"
	"weir/parser/diag"
	"weir/stream"
	"weir/web"
)

// listen follows ngx_http_core_listen.
func (c *httpServer) listen(call *conf.Call) {
	c.listening = true
	word := &call.Args()[0]
	parsed, err := conf.ParseListen(word.Text)
	if err == nil && parsed.NoPort {
		parsed.Port, parsed.PortEnd, parsed.NoPort = httpPort, httpPort, false
	}
	var addrs []stream.Addr
	if err == nil {
		addrs, err = resolveListen(call, parsed)
	}
	if err != nil {
		call.Fail(word, "%s in \"%s\" of the \"listen\" directive", err, word.Text)
		return
	}
	params, ok := parseListenParams(call, func(p *listenParams, text string) error { return p.parseHTTP(call, text) })
	if !ok {
		return
	}
	outer := conf.At[httpMain](call.Level)
	for _, addr := range addrs {
		if !outer.add(call, addr, params) {
			return
		}
	}
}

// The ports of servers without a port or a listen directive.
const (
	httpPort         = 80
	unprivilegedPort = 8000
)

// addDefault adds the address of a server without a listen directive.
func (c *httpMain) addDefault(call *conf.Call, level *conf.Level) {
	port := uint16(unprivilegedPort)
	if call.Compiler().Env.Root {
		port = httpPort
	}
	addr := stream.Addr{IP: netip.AddrPortFrom(netip.IPv4Unspecified(), port)}
	if l := c.listenAt[addr]; l != nil {
		l.servers = append(l.servers, level)
		return
	}
	c.addFirst(level, addr, level.Origin(), defaultListen())
}

// parseHTTP reads one parameter of listen in http {}.
func (p *listenParams) parseHTTP(call *conf.Call, text string) error {
	switch text {
	case "default":
		return p.parse("default_server")
	case "http2":
		call.Warn(nil, "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead")
		return nil
	case "quic":
		return errors.New("the \"quic\" parameter requires ngx_http_v3_module")
	case "udp":
		return fmt.Errorf("invalid parameter \"%s\"", text)
	}
	return p.parse(text)
}

// checkTLS refuses addresses with TLS whose servers have no certificate. It follows ngx_http_ssl_init.
func (c *httpMain) checkTLS(compiler *conf.Compiler) {
	for _, l := range byPort(c.listens) {
		if l.params.protocols&tlsFirst == 0 || len(conf.At[httpSSL](l.primary).certificates) > 0 {
			continue
		}
		for _, server := range append([]*conf.Level{l.primary}, l.servers...) {
			if c := conf.At[httpSSL](server); len(c.certificates) == 0 && !c.reject.Or(false) {
				compiler.ReportBare(diag.Emerg, "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in %s", server.Origin())
				return
			}
		}
	}
}

// countTLS makes the zones of servers on addresses with TLS count handshakes.
func (c *httpMain) countTLS(b *httpBuild) {
	for _, l := range c.listens {
		if l.params.protocols&tlsFirst == 0 {
			continue
		}
		for _, level := range l.servers {
			if zone := b.servers[level].Zone; zone != "" {
				b.config.Zones.AddTLS(zone)
			}
		}
	}
}

// finishWeb makes the listens of the web.Config. An address of which no server is served is not opened.
func (c *httpMain) finishWeb(b *httpBuild) {
	for _, server := range c.servers {
		checkLocations(b.Compiler, server)
	}
	c.countTLS(b)
	made := map[*listenAddr]*web.Listen{}
	for _, l := range byPort(c.listens) {
		made[l] = l.webListen(b)
	}
	wildcards := c.wildcards()
	wanted := map[*listenAddr]bool{}
	for _, l := range c.listens {
		bound := l
		if w := wildcards[l]; w != nil {
			bound = w
		}
		if bound != l {
			made[bound].AddInner(l.addr.IP.Addr(), made[l])
		}
		wanted[bound] = wanted[bound] || l.isServed()
	}
	for _, l := range c.listens {
		if wanted[l] {
			b.config.Listens = append(b.config.Listens, made[l])
		}
	}
}

func (l *listenAddr) isServed() bool {
	for _, server := range l.servers {
		if conf.At[httpServer](server).isServed() {
			return true
		}
	}
	return false
}

// webListen makes the web.Listen of the address.
func (l *listenAddr) webListen(b *httpBuild) *web.Listen {
	return &web.Listen{
		Config: b.config, Socket: &stream.Listen{Addr: l.addr, Options: l.params.options, Origin: l.origin},
		Default: b.servers[l.primary], Names: mapNames(b.Compiler, l, webNames, b.servers),
		ProxyProtocol: l.params.protocols&proxyProtocolFirst != 0, TLS: l.params.protocols&tlsFirst != 0,
	}
}
