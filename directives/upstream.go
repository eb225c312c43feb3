package directives

import (
	"math"
	"slices"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
	"weir/stream/upstream"
)

// upstreamMain holds the groups of stream {}.
type upstreamMain struct {
	groups []*groupUse // in the order of the file
	named  []namedPort // in the order of the file
	zones  []*groupZone

	closeRate conf.Opt[int] // sessions per second
}

// groupConf holds the settings of one upstream block.
type groupConf struct {
	servers []serverUse
	method  balancing
	names   groupNames
	zone    string // the name of the zone; empty without one
	state   string // the path of the state file; empty without one
	reading bool   // the servers of the state file are being read
	limited bool   // the last method before a server allows neither backup nor slow_start
	measure conf.Opt[upstream.Measure]

	closeRate conf.Opt[int] // sessions per second
	queue     queueConf
}

// A groupUse is one upstream block.
type groupUse struct {
	name   string
	origin string // of the block's opening brace
	conf   *groupConf
	level  *conf.Level // of stream {}
	comp   *conf.Compiler
	built  *upstream.Group
}

// A namedPort is a host with a port that a directive uses as a connection target.
type namedPort struct {
	host   string
	port   int
	origin string // of the directive
}

// A serverUse is one server of a block; each of its addresses is a peer.
type serverUse struct {
	name       string
	addrs      []stream.Addr // empty if it is invalid, or resolved later
	isResolved bool          // addrs are those of a name
	call       *conf.Call    // of a server that is resolved later, as are host and port
	host       string
	port       uint16
	serverParams
}

type serverParams struct {
	weight      int
	maxConns    int
	maxFails    int
	connectRate int // nginx does not have it
	failTimeout time.Duration
	slowStart   time.Duration
	written     upstream.Written
	backup      bool
	down        bool
	drain       bool // nginx has it in http only
	resolveParams
}

// upstreamModule is ngx_stream_upstream_module with the modules of the methods, which nginx
// documents on the same page.
var upstreamModule = &streamModule[upstreamMain, none]{
	Name: "ngx_stream_upstream_module",
	Vars: upstream.Variables(),
	Main: []conf.Entry[upstreamMain]{
		{Name: "upstream", In: conf.Stream, Body: conf.Nested, Args: conf.Take(1), Repeat: true, Set: (*upstreamMain).upstream},
		{Name: "fleet_close_rate", In: conf.Stream, Args: conf.Take(1), Default: "off", Extension: true,
			Set: rateOrOff(func(c *upstreamMain) *conf.Opt[int] { return &c.closeRate })},
	},
	Inner: []conf.Table{&conf.Settings[groupConf]{Of: conf.Upstream, Entries: []conf.Entry[groupConf]{
		{Name: "server", In: conf.Upstream, Args: conf.AtLeast(1), Repeat: true, Own: []string{"ring=address", "drain", "max_connect_rate="},
			Set: (*groupConf).server},
		{Name: "zone", In: conf.Upstream, Args: conf.Take(1, 2), Repeat: true, Set: (*groupConf).setZone},
		{Name: "hash", In: conf.Upstream, Args: conf.Take(1, 2), Repeat: true, Own: []string{"jump"}, Set: (*groupConf).hash},
		{Name: "least_conn", In: conf.Upstream, Args: conf.None, Repeat: true, Set: (*groupConf).leastConn},
		{Name: "random", In: conf.Upstream, Args: conf.Take(0, 1, 2), Repeat: true, Set: (*groupConf).random},
		{Name: "least_time", In: conf.Upstream, Args: conf.Take(1, 2), Repeat: true, Set: (*groupConf).leastTime},
		{Name: "state", In: conf.Upstream, Args: conf.Take(1), Set: (*groupConf).setState},
		{Name: "resolver", In: conf.Upstream, Args: conf.AtLeast(1), Set: (*groupConf).setResolver},
		{Name: "resolver_timeout", In: conf.Upstream, Args: conf.Take(1), Default: "30s",
			Set: conf.Msec(func(c *groupConf) *conf.Opt[time.Duration] { return &c.names.timeout })},
		{Name: "fleet_close_rate", In: conf.Upstream, Args: conf.Take(1), Default: "off", Extension: true,
			Set: rateOrOff(func(c *groupConf) *conf.Opt[int] { return &c.closeRate })},
		{Name: "queue", In: conf.Upstream, Args: conf.Take(1, 2), Extension: true, Set: (*groupConf).setQueue},
	}}},
	Init: (*upstreamMain).init,
}

// upstream follows ngx_stream_upstream.
func (c *upstreamMain) upstream(call *conf.Call) {
	name := call.Arg(0)
	if c.find(name) != nil {
		call.Fail(&call.Args()[0], "duplicate upstream \"%s\"", name)
	}
	c.refusePorts(call)
	group := conf.At[groupConf](call.Nest(conf.Upstream))
	c.groups = append(c.groups, &groupUse{name: name, origin: call.Origin(), conf: group, level: call.Level, comp: call.Compiler()})
	if call.Complete() {
		c.checkEnd(call, group)
	}
}

// checkEnd checks what a block has at its closing brace. nginx demands servers of every group.
func (c *upstreamMain) checkEnd(call *conf.Call, group *groupConf) {
	word := &call.Args()[0]
	switch {
	case group.state != "" && group.zone == "":
		call.EndLine().Fail(word, "\"state\" requires \"zone\" in upstream \"%s\"", word.Text)
	case len(group.servers) == 0 && group.zone == "":
		call.EndLine().Fail(word, "no servers are inside upstream")
	}
	for _, other := range c.groups {
		if group.state != "" && other.conf != group && other.conf.state == group.state {
			call.EndLine().Fail(word, "the state file \"%s\" is already used by upstream \"%s\"", group.state, other.name)
		}
	}
}

// mayName records an address that call uses as a connection target, and refuses a group name with a
// port. The path of a unix socket is also compared with the names of groups, as a name with port 0.
// It follows ngx_stream_upstream_add, as refusePorts does.
func (c *upstreamMain) mayName(call *conf.Call, a *conf.Address) bool {
	if a.NoPort {
		return true
	}
	if c.find(a.Host) != nil {
		call.Fail(&call.Args()[0], "upstream \"%s\" may not have port %d", a.Host, a.Port)
		return false
	}
	c.named = append(c.named, namedPort{a.Host, a.Port, call.Origin()})
	return true
}

// refusePorts refuses a group if its name was used with a port before.
func (c *upstreamMain) refusePorts(group *conf.Call) {
	for _, n := range c.named {
		if name := group.Arg(0); ascii.EqualFold(n.host, name) {
			group.Compiler().ReportBare(diag.Emerg, "upstream \"%s\" may not have port %d in %s", name, n.port, n.origin)
		}
	}
}

func (c *upstreamMain) find(name string) *groupUse {
	for _, g := range c.groups {
		if ascii.EqualFold(g.name, name) {
			return g
		}
	}
	return nil
}

// describes reports whether g is the group of an upstream block.
func (c *upstreamMain) describes(g *upstream.Group) bool {
	return slices.ContainsFunc(c.groups, func(use *groupUse) bool { return use.built == g })
}

// server follows ngx_stream_upstream_server.
func (c *groupConf) server(call *conf.Call) {
	if c.state != "" && !c.reading {
		call.FailValue("is incompatible with \"state\"")
		return
	}
	use := serverUse{name: call.Arg(0), serverParams: serverParams{weight: 1, maxFails: 1, failTimeout: 10 * time.Second}}
	switch {
	case !c.params(call, &use.serverParams):
	case use.resolve || use.service != "":
		c.follow(call, &use)
	default:
		use.addrs, use.isResolved = resolveServer(call)
	}
	c.servers = append(c.servers, use)
}

func (c *groupConf) params(call *conf.Call, p *serverParams) bool {
	for i := range call.Args()[1:] {
		word := &call.Args()[1+i]
		switch {
		case c.limited && (word.Text == "backup" || strings.HasPrefix(word.Text, "slow_start=")):
			call.Fail(word, "balancing method does not support parameter \"%s\"", word.Text)
			return false
		case word.Text == "service=":
			call.Fail(word, "service is empty")
			return false
		case !p.set(word.Text):
			call.Fail(word, "invalid parameter \"%s\"", word.Text)
			return false
		}
	}
	return true
}

// set reads one parameter and reports whether it is valid. It refuses a weight beyond 31 bits,
// which nginx would accept: sums of weights must not overflow.
func (p *serverParams) set(text string) (ok bool) {
	name, value, _ := strings.Cut(text, "=")
	switch {
	case text == "backup":
		p.backup = true
	case text == "down":
		p.down = true
	case text == "drain":
		p.drain = true
	case text == "resolve":
		p.resolve = true
	case name == "service" && name != text:
		p.service = value
	case text == "ring=address":
		p.eachAddress = true
	case strings.HasPrefix(text, "weight="):
		n, ok := conf.ParseNumber(value)
		p.weight = conf.Int(n)
		return ok && 0 < n && n <= math.MaxInt32
	case strings.HasPrefix(text, "max_conns="):
		p.maxConns, ok = parseInt(value)
		return ok
	case strings.HasPrefix(text, "max_connect_rate="):
		p.connectRate, ok = parseRate(value)
		return ok
	case strings.HasPrefix(text, "max_fails="):
		p.maxFails, ok = parseInt(value)
		return ok
	case name == "fail_timeout" && name != text:
		p.failTimeout, ok = conf.ParseSec(value)
		p.written.FailTimeout = value
		return ok
	case strings.HasPrefix(text, "slow_start="):
		p.slowStart, ok = conf.ParseMsec(value)
		p.written.SlowStart = value
		return ok
	default:
		return false
	}
	return true
}

func parseInt(text string) (int, bool) {
	n, ok := conf.ParseNumber(text)
	return conf.Int(n), ok
}

// resolveServer returns the addresses of the call's server: all current addresses of its name, if
// it is a name.
func resolveServer(call *conf.Call) (addrs []stream.Addr, isName bool) {
	word := &call.Args()[0]
	addrs, address, err := lookup(call, word)
	switch {
	case err != nil:
		call.Fail(word, "%s in upstream \"%s\"", err, word.Text)
		return nil, false
	case address.NoPort:
		call.Fail(word, "no port in upstream \"%s\"", word.Text)
		return nil, false
	}
	return addrs, !address.IsUnix && !address.IP.IsValid()
}

func lookup(call *conf.Call, word *parser.Word) ([]stream.Addr, conf.Address, error) {
	address, err := conf.ParseUpstream(word.Text)
	if err != nil {
		return nil, address, err
	}
	addrs, err := address.Resolve(call.Compiler().Env.LookupHost)
	return addrs, address, err
}

// setZone follows ngx_stream_upstream_zone. In one process all sessions share a group in any case;
// with a zone the group has statistics and can be changed while weir runs.
func (c *groupConf) setZone(call *conf.Call) {
	name := &call.Args()[0]
	if name.Text == "" {
		call.Fail(name, "invalid zone name \"%s\"", name.Text)
		return
	}
	var size int64
	if len(call.Args()) > 1 {
		var ok bool
		if size, ok = conf.ParseSize(call.Arg(1)); !ok {
			call.Fail(&call.Args()[1], "invalid zone size \"%s\"", call.Arg(1))
			return
		}
		if size < minZone {
			call.Fail(name, "zone \"%s\" is too small", name.Text)
			return
		}
	}
	c.zone = name.Text
	call.Zones().Declare(name.Text, size, upstreamZone)
}

// upstreamZone is the use of the zones of groups.
const upstreamZone = "upstream"

// init makes every group, sets the rates of all groups, and does the checks that nginx does after reading the whole block.
func (c *upstreamMain) init(b *streamBuild) {
	for _, g := range c.groups {
		group := g.group()
		b.addPart(group)
		c.addGroupZone(&b.config.Status, group)
	}
	c.setCloseBudgets(b.config)
}

// group returns the group and makes it on the first call. It follows
// ngx_stream_upstream_init_round_robin. If the group cannot be made, the error is reported, and a
// group without peers replaces it.
func (g *groupUse) group() *upstream.Group {
	if g.built != nil {
		return g.built
	}
	g.built = &upstream.Group{Name: g.name}
	switch {
	case !g.mayFollow():
	case len(g.conf.servers) > 0 && g.conf.primaries() == 0 && g.conf.state == "":
		g.comp.ReportBare(diag.Emerg, "no servers in upstream \"%s\" in %s", g.name, g.origin)
	case !g.mayWeigh():
	case !g.comp.Failed():
		g.built = g.build()
	}
	return g.built
}

// mayWeigh reports whether the method accepts the weights of the servers; if not, it reports an
// error.
func (g *groupUse) mayWeigh() bool {
	err := upstream.CheckWeight(g.conf.balancer(), g.conf.weight())
	if err != nil {
		g.comp.ReportBare(diag.Emerg, "%v in upstream \"%s\" in %s", err, g.name, g.origin)
	}
	return err == nil
}

func (c *groupConf) balancer() upstream.Method {
	if c.method.Method == nil {
		return upstream.RoundRobin
	}
	return c.method.Method
}

func (c *groupConf) primaries() int {
	n := 0
	for _, s := range c.servers {
		if !s.backup {
			n++
		}
	}
	return n
}

func (c *groupConf) weight() int64 {
	sum := int64(0)
	for _, s := range c.servers {
		sum += int64(s.weight)
	}
	return sum
}

func (c *groupConf) peers() []*upstream.PeerConf {
	var peers []*upstream.PeerConf
	for _, s := range c.servers {
		for _, addr := range s.addrs {
			peers = append(peers, s.peer(addr))
		}
	}
	return peers
}

func (s *serverUse) peer(addr stream.Addr) *upstream.PeerConf {
	p := s.like()
	p.Name, p.Addr, p.IsResolved = addr.String(), addr, s.isResolved
	if s.eachAddress {
		p.Server = p.Name
	}
	return p
}

// like returns a peer with the parameters of the server, without an address.
func (s *serverUse) like() *upstream.PeerConf {
	p := &upstream.PeerConf{
		Server: s.name,
		Weight: s.weight, MaxFails: s.maxFails, FailTimeout: s.failTimeout, SlowStart: s.slowStart, MaxConns: s.maxConns, ConnectRate: s.connectRate,
		Down: s.down, Drain: s.drain, Backup: s.backup,
	}
	if s.written != (upstream.Written{}) {
		p.Written = &s.written
	}
	return p
}
