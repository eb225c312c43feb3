package directives

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/parser/diag"
	"weir/stream"
)

// defaultBacklog is the backlog that nginx passes to listen() on Linux.
const defaultBacklog = 511

// A listenSet contains the addresses of all servers of a block.
type listenSet struct {
	listens  []*listenAddr               // in the order of their first use
	listenAt map[stream.Addr]*listenAddr // listens by address
}

// listenAddr is one address of the configuration with all the servers that listen on it.
type listenAddr struct {
	addr      stream.Addr
	origin    string
	servers   []*conf.Level
	primary   *conf.Level // the default server
	isDefault bool        // default_server selected the primary
	params    listenParams

	protocols        protocols // as first given; used for the warnings
	protocolsSet     bool
	protocolsChanged bool
}

// listenParams are the parameters of one listen directive.
type listenParams struct {
	options       stream.ListenOptions
	set           bool // a socket option was given
	defaultServer bool
	protocols     protocols
	udp           bool
	backlog       bool // backlog= was given
	fastOpen      bool // fastopen= was given
}

// protocols is a set of protocols that a connection begins with.
type protocols uint8

const (
	proxyProtocolFirst protocols = 1 << iota
	tlsFirst
)

// listen is the setter of the directive in a server. It follows ngx_stream_core_listen.
func (c *streamConf) listen(call *conf.Call) {
	c.listening = true
	word := &call.Args()[0]
	addrs, err := listenAddrs(call, word.Text)
	if err != nil {
		call.Fail(word, "%s in \"%s\" of the \"listen\" directive", err, word.Text)
		return
	}
	params, ok := parseListenParams(call, (*listenParams).parse)
	if !ok {
		return
	}
	outer := conf.At[streamMain](call.Level)
	for _, addr := range addrs {
		addr.UDP = params.udp
		if !outer.add(call, addr, params) {
			return
		}
	}
}

// listenAddrs returns the addresses that text stands for, each once.
func listenAddrs(call *conf.Call, text string) ([]stream.Addr, error) {
	parsed, err := conf.ParseListen(text)
	if err != nil {
		return nil, err
	}
	return resolveListen(call, parsed)
}

// resolveListen returns the addresses that a parsed one stands for, each once.
func resolveListen(call *conf.Call, parsed conf.Address) ([]stream.Addr, error) {
	addrs, err := parsed.Resolve(call.Compiler().Env.LookupHost)
	if err != nil {
		return nil, err
	}
	seen := make(map[stream.Addr]bool, len(addrs))
	return slices.DeleteFunc(addrs, func(a stream.Addr) bool {
		again := seen[a]
		seen[a] = true
		return again
	}), nil
}

// add adds the server of the call to an address.
func (c *listenSet) add(call *conf.Call, addr stream.Addr, p listenParams) bool {
	if l := c.listenAt[addr]; l != nil {
		return l.addServer(call, p)
	}
	c.addFirst(call.Level, addr, call.Origin(), p)
	return true
}

// addFirst adds an address with its first server.
func (c *listenSet) addFirst(server *conf.Level, addr stream.Addr, origin string, p listenParams) {
	l := &listenAddr{
		addr: addr, origin: origin, servers: []*conf.Level{server}, primary: server, isDefault: p.defaultServer,
		params: p, protocols: p.protocols,
	}
	c.listens = append(c.listens, l)
	if c.listenAt == nil {
		c.listenAt = map[stream.Addr]*listenAddr{}
	}
	c.listenAt[addr] = l
}

// addServer adds a server to the address. It follows ngx_stream_add_addresses.
func (l *listenAddr) addServer(call *conf.Call, p listenParams) bool {
	if slices.Contains(l.servers, call.Level) {
		call.Fail(&call.Args()[0], "a duplicate listen %s", l.addr)
		return false
	}
	l.servers = append(l.servers, call.Level)
	if p.set && l.params.set {
		call.Fail(&call.Args()[0], "duplicate listen options for %s", l.addr)
		return false
	}
	if p.defaultServer && l.isDefault {
		call.Fail(&call.Args()[0], "a duplicate default server for %s", l.addr)
		return false
	}
	if p.defaultServer {
		l.isDefault, l.primary = true, call.Level
	}
	l.mergeProtocols(call, p)
	if p.set {
		l.params.options, l.params.set = p.options, true
	}
	return true
}

// mergeProtocols unites the protocol options of the address, and warns where servers contradict
// each other, by nginx's rule of which differences are intended.
func (l *listenAddr) mergeProtocols(call *conf.Call, p listenParams) {
	before, now := l.params.protocols, p.protocols
	var warn bool
	switch {
	case before|now != before: // options added
		warn = l.params.set && !p.set || l.protocolsChanged || before|now != now
		l.protocols, l.protocolsSet, l.protocolsChanged = before, true, true
	case before|now != now: // options omitted
		warn = p.set || l.protocolsSet && now != l.protocols
		l.protocols, l.protocolsSet, l.protocolsChanged = now, true, true
	default:
		warn = p.set && l.protocolsChanged || l.protocolsSet && now != l.protocols
		l.protocols, l.protocolsSet = now, true
	}
	if warn {
		call.Warn(&call.Args()[0], "protocol options redefined for %s", l.addr)
	}
	l.params.protocols |= now
}

// finishListens makes the listens of the Config from the servers by their levels.
func (c *streamMain) finishListens(compiler *conf.Compiler, servers map[*conf.Level]*stream.Server) {
	names := map[*listenAddr]*stream.ServerNames{}
	for _, l := range byPort(c.listens) {
		names[l] = mapNames(compiler, l, streamNames, servers)
	}
	config := configOf(compiler.Main)
	made := map[*listenAddr]*stream.Listen{}
	for _, l := range c.listens {
		made[l] = &stream.Listen{
			Config: config, Addr: l.addr, Options: l.params.options, Default: servers[l.primary], Names: names[l],
			Origin: l.origin, ProxyProtocol: l.params.protocols&proxyProtocolFirst != 0, TLS: l.params.protocols&tlsFirst != 0,
			ReadsFiles: slices.ContainsFunc(l.servers, func(level *conf.Level) bool { return servers[level].ReadsFiles() }),
		}
	}
	c.countTLS(servers)
	wildcards := c.wildcards()
	for _, l := range c.listens {
		w := wildcards[l]
		if w == nil {
			config.Listens = append(config.Listens, made[l])
			continue
		}
		of := made[w]
		of.WantLocal = true
		if w == l {
			config.Listens = append(config.Listens, of)
			continue
		}
		if of.Inner == nil {
			of.Inner = map[netip.Addr]*stream.Listen{}
		}
		of.Inner[l.addr.IP.Addr()] = made[l]
	}
}

// countTLS makes the zones of servers on addresses with TLS count handshakes.
func (c *streamMain) countTLS(servers map[*conf.Level]*stream.Server) {
	for _, l := range c.listens {
		if l.params.protocols&tlsFirst == 0 {
			continue
		}
		for _, level := range append([]*conf.Level{l.primary}, l.servers...) {
			if z := servers[level].Zone; z != nil {
				z.CountTLS()
			}
		}
	}
}

// checkTLS refuses addresses with TLS whose servers have no certificate. It follows
// ngx_stream_ssl_init.
func (c *streamMain) checkTLS(compiler *conf.Compiler) {
	for _, l := range byPort(c.listens) {
		if l.params.protocols&tlsFirst == 0 || len(conf.At[sslConf](l.primary).certificates) > 0 {
			continue
		}
		for _, server := range append([]*conf.Level{l.primary}, l.servers...) {
			if c := conf.At[sslConf](server); len(c.certificates) == 0 && !c.reject.Or(false) {
				compiler.ReportBare(diag.Emerg, "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in %s", server.Origin())
				return
			}
		}
	}
}

// byPort returns the addresses in nginx's order: port by port, and for each port first the
// addresses with a socket of their own, then the others, and the wildcard last.
func byPort(listens []*listenAddr) []*listenAddr {
	place := map[string]int{}
	for _, l := range listens {
		if key := l.portKey(); place[key] == 0 {
			place[key] = len(place) + 1
		}
	}
	sorted := slices.Clone(listens)
	slices.SortStableFunc(sorted, func(a, b *listenAddr) int {
		return cmp.Or(place[a.portKey()]-place[b.portKey()], a.rank()-b.rank())
	})
	return sorted
}

// portKey returns the key of the addresses that one wildcard can serve. Unix sockets have no
// wildcard.
func (l *listenAddr) portKey() string {
	if l.addr.Unix {
		return l.addr.Network()
	}
	return fmt.Sprint(familyPort(l.addr))
}

func (l *listenAddr) rank() int {
	switch {
	case l.isWildcard():
		return 2
	case l.params.options.Bind:
		return 0
	}
	return 1
}

// wildcards maps the addresses without socket options of their own to the wildcard address of their port, and
// each wildcard address to itself. The others are not bound: the local address of each connection selects the
// servers.
func (c *listenSet) wildcards() map[*listenAddr]*listenAddr {
	byPort := map[uint32]*listenAddr{}
	for _, l := range c.listens {
		if l.isWildcard() {
			byPort[familyPort(l.addr)] = l
		}
	}
	of := map[*listenAddr]*listenAddr{}
	for _, l := range c.listens {
		if w := byPort[familyPort(l.addr)]; !l.addr.Unix && w != nil && (w == l || !l.params.options.Bind) {
			of[l] = w
		}
	}
	return of
}

func (l *listenAddr) isWildcard() bool { return !l.addr.Unix && l.addr.IP.Addr().IsUnspecified() }

func familyPort(a stream.Addr) uint32 {
	key := uint32(a.IP.Port())
	if a.IP.Addr().Is4() {
		key |= 1 << 16
	}
	if a.UDP {
		key |= 1 << 17
	}
	return key
}

// defaultListen are the parameters of a listen directive that has none.
func defaultListen() listenParams {
	return listenParams{options: stream.ListenOptions{Backlog: defaultBacklog, IPv6Only: true}}
}

// parseListenParams reads the parameters; parse reads one of them.
func parseListenParams(call *conf.Call, parse func(p *listenParams, text string) error) (listenParams, bool) {
	p := defaultListen()
	for i := range call.Args()[1:] {
		word := &call.Args()[1+i]
		if strings.HasPrefix(word.Text, "accept_filter=") {
			call.Warn(word, "accept filters \"%s\" are not supported on this platform, ignored", word.Text)
			continue
		}
		if err := parse(&p, word.Text); err != nil {
			call.Fail(word, "%s", err)
			return p, false
		}
	}
	return p, p.check(call)
}

// check refuses incompatible parameters.
func (p *listenParams) check(call *conf.Call) bool {
	if name := p.incompatible(); p.udp && name != "" {
		call.FailValue(fmt.Sprintf("\"%s\" parameter is incompatible with \"udp\"", name))
		return false
	}
	return true
}

// incompatible returns the name of the first parameter that is not valid for datagrams.
func (p *listenParams) incompatible() string {
	o := &p.options
	switch {
	case p.fastOpen:
		return "fastopen"
	case p.backlog:
		return "backlog"
	case o.Deferred:
		return "deferred"
	case p.protocols&tlsFirst != 0:
		return "ssl"
	case o.Multipath:
		return "multipath"
	case o.KeepAlive.Set:
		return "so_keepalive"
	case p.protocols&proxyProtocolFirst != 0:
		return "proxy_protocol"
	}
	return ""
}

// parse reads one parameter. A parameter that requires a separate socket also sets Bind.
func (p *listenParams) parse(text string) error {
	name, value, hasValue := strings.Cut(text, "=")
	if hasValue {
		return p.parseValue(text, name, value)
	}
	switch name {
	case "default_server":
		p.defaultServer = true
		return nil
	case "proxy_protocol":
		p.protocols |= proxyProtocolFirst
		return nil
	case "bind":
	case "deferred":
		p.options.Deferred = true
	case "reuseport":
		p.options.ReusePort = true
	case "multipath":
		p.options.Multipath = true
	case "ssl":
		p.protocols |= tlsFirst
		return nil
	case "udp":
		p.udp = true
		return nil
	default:
		return fmt.Errorf("invalid parameter \"%s\"", text)
	}
	p.ownSocket()
	return nil
}

func (p *listenParams) ownSocket() { p.set, p.options.Bind = true, true }

func (p *listenParams) parseValue(text, name, value string) error {
	var ok bool
	o := &p.options
	switch name {
	case "backlog":
		p.backlog = true
		o.Backlog, ok = parseInt(value)
		ok = ok && o.Backlog > 0
	case "fastopen":
		p.fastOpen = true
		o.FastOpen, ok = parseInt(value)
	case "rcvbuf":
		o.RcvBuf, ok = parseBuffer(value)
	case "sndbuf":
		o.SndBuf, ok = parseBuffer(value)
	case "so_keepalive":
		if o.KeepAlive, ok = parseKeepAlive(value); !ok {
			return fmt.Errorf("invalid so_keepalive value: \"%s\"", value)
		}
	case "ipv6only":
		return p.parseIPv6Only(text, value)
	default:
		return fmt.Errorf("invalid parameter \"%s\"", text)
	}
	if !ok {
		return fmt.Errorf("invalid %s \"%s\"", name, text)
	}
	p.ownSocket()
	return nil
}

func (p *listenParams) parseIPv6Only(text, value string) error {
	switch {
	case value == "on" || value == "off":
		p.options.IPv6Only = value == "on"
		p.ownSocket()
		return nil
	case strings.HasPrefix(value, "o"):
		return fmt.Errorf("invalid ipv6only flags \"%s\"", value)
	}
	return fmt.Errorf("invalid parameter \"%s\"", text)
}

func parseBuffer(text string) (int, bool) {
	n, ok := conf.ParseSize(text)
	return conf.Int(n), ok
}

// parseKeepAlive reads on, off, or IDLE:INTERVAL:COUNT, of which at least one must be given and not
// zero.
func parseKeepAlive(text string) (stream.KeepAlive, bool) {
	switch text {
	case "on", "off":
		return stream.KeepAlive{Set: true, On: text == "on"}, true
	}
	k := stream.KeepAlive{Set: true, On: true}
	for i, part := range strings.SplitN(text, ":", 3) {
		if part != "" && !setKeepAlive(&k, i, part) {
			return k, false
		}
	}
	return k, k.Idle > 0 || k.Interval > 0 || k.Count > 0
}

// setKeepAlive sets the idle time, the interval or the count.
func setKeepAlive(k *stream.KeepAlive, i int, text string) bool {
	var ok bool
	switch i {
	case 0:
		k.Idle, ok = conf.ParseSec(text)
	case 1:
		k.Interval, ok = conf.ParseSec(text)
	default:
		k.Count, ok = parseInt(text)
	}
	return ok
}
