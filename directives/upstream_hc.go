package directives

import (
	"math/rand/v2"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/regex"
	"weir/stream"
	"weir/stream/modules/healthcheck"
	"weir/stream/modules/proxy"
	"weir/stream/upstream"
)

// healthMain holds the match blocks of stream {}, and its checks.
type healthMain struct {
	matches map[string]*healthcheck.Match
	checker *healthcheck.Checker // nil without a check
}

// healthConf holds the settings of one level for health checks.
type healthConf struct {
	checks  []*checkUse // of a server
	timeout conf.Opt[time.Duration]
}

// upstreamHcModule is ngx_stream_upstream_hc_module.
var upstreamHcModule = &streamModule[healthMain, healthConf]{
	Name: "ngx_stream_upstream_hc_module",
	Main: []conf.Entry[healthMain]{
		{Name: "match", In: conf.Stream, Args: conf.Take(1), Body: conf.Pairs, Repeat: true, Set: (*healthMain).match},
	},
	Server: []conf.Entry[healthConf]{
		{Name: "health_check", In: conf.Server, Args: conf.AtLeast(0), Repeat: true, Own: []string{"type=mqtt", "type=http"},
			Set: (*healthConf).healthCheck},
		{Name: "health_check_timeout", In: either, Args: conf.Take(1), Default: "5s",
			Set: conf.Msec(func(c *healthConf) *conf.Opt[time.Duration] { return &c.timeout })},
	},
	Merge:    func(outer, inner *healthConf) { inner.timeout.Inherit(outer.timeout) },
	Complete: (*healthConf).complete,
	Build:    (*healthConf).build,
}

// match reads a match block.
func (c *healthMain) match(call *conf.Call) {
	name := call.Arg(0)
	if c.matches[name] != nil {
		call.Fail(&call.Args()[0], "duplicate match \"%s\"", name)
		return
	}
	if c.matches == nil {
		c.matches = map[string]*healthcheck.Match{}
	}
	m := &healthcheck.Match{}
	c.matches[name] = m
	eachLine(call, func(line *conf.Call) { setMatch(m, line) })
}

// setMatch reads one line of a match block.
func setMatch(m *healthcheck.Match, line *conf.Call) {
	name, args := &line.Dir.Name, len(line.Args())
	switch {
	case name.Text != "send" && name.Text != "expect":
		line.Fail(name, "unknown directive \"%s\"", name.Text)
	case args == 0, name.Text == "send" && args > 1, args > 2:
		line.Fail(name, "invalid number of arguments in \"%s\" directive", name.Text)
	case name.Text == "send" && m.Send != nil, name.Text == "expect" && (m.Expect != nil || m.Regex != nil):
		line.Fail(name, "\"%s\" directive is duplicate", name.Text)
	case name.Text == "send":
		m.Send = healthcheck.Literal(line.Arg(0))
	case args == 1:
		m.Expect = healthcheck.Literal(line.Arg(0))
	default:
		setExpectedRegex(m, line)
	}
}

func setExpectedRegex(m *healthcheck.Match, line *conf.Call) {
	modifier := &line.Args()[0]
	if modifier.Text != "~" && modifier.Text != "~*" {
		line.Fail(modifier, "invalid modifier \"%s\"", modifier.Text)
		return
	}
	re, err := regex.Compile(line.Arg(1), modifier.Text == "~*")
	if err != nil {
		line.Fail(&line.Args()[1], "%v", err)
		return
	}
	m.Regex = re
}

// healthCheck reads a health_check.
func (c *healthConf) healthCheck(call *conf.Call) {
	use := &checkUse{call: call, interval: 5 * time.Second, fails: 1, passes: 1, http: httpCheck{statuses: defaultStatuses}}
	if use.params() {
		c.checks = append(c.checks, use)
	}
}

// complete reports what the checks of a server lack.
func (c *healthConf) complete(b *streamBuild, server *conf.Level) {
	pass := conf.At[proxyConf](server).pass
	for _, use := range c.checks {
		switch {
		case pass == nil || pass.template != nil:
			use.call.Fail(nil, "\"health_check\" requires \"proxy_pass\" to an upstream without variables")
		case use.match != "" && conf.At[healthMain](b.block).matches[use.match] == nil:
			use.call.Fail(nil, "unknown match \"%s\"", use.match)
		case pass.group != nil && pass.group.Zone().Name == "":
			use.call.Fail(nil, "health check requires upstream \"%s\" to be in shared memory", pass.group.Name)
		}
	}
}

// build adds the checks of a server to the configuration.
func (c *healthConf) build(s *serverBuild) {
	if len(c.checks) == 0 {
		return
	}
	outer := conf.At[healthMain](s.block)
	if outer.checker == nil {
		outer.checker = &healthcheck.Checker{}
		s.addPart(outer.checker)
	}
	content, _ := conf.At[proxyConf](s.level).content(s).(*proxy.Content)
	for _, use := range c.checks {
		check := use.check(content)
		check.Timeout = max(min(c.timeout.Or(5*time.Second), content.ConnectTimeout), time.Millisecond)
		check.Probe = use.probe(outer.matches[use.match], s.Env.Hostname())
		check.Log = s.server.Settings.ErrorLog
		outer.checker.Checks = append(outer.checker.Checks, check)
	}
}

// check returns the check with the settings of the server's proxy.
func (u *checkUse) check(c *proxy.Content) *healthcheck.Check {
	check := &healthcheck.Check{
		Group: c.To.Group, Results: c.To.Group.NewCheck(u.mandatory, u.persistent), Name: u.match,
		Interval: u.interval, Jitter: u.jitter, Fails: u.fails, Passes: u.passes, Port: u.port, UDP: u.udp,
		BufferSize: c.Relay.BufferSize, Target: u.target(c),
	}
	if u.kind == kindHTTP && u.port != 0 {
		return check // another service, which has neither the TLS nor the PROXY header of the server
	}
	check.Protocol = checkProtocols[c.Protocol]
	if c.TLS != nil && !u.udp {
		check.TLS = checkTLS(c.TLS, c.To.Group)
	}
	return check
}

var checkProtocols = map[proxy.Protocol]healthcheck.Protocol{
	proxy.Off: healthcheck.NoHeader, proxy.V1: healthcheck.V1, proxy.V2: healthcheck.V2,
}

// target returns the settings of a check's sockets. A local address with variables is that of a
// client, which a check does not have.
func (u *checkUse) target(c *proxy.Content) stream.Target {
	target := stream.Target{Transparent: c.Transparent}
	switch {
	case c.Bind == nil:
	case c.Bind.HasVariables():
		u.call.Warn(nil, "\"health_check\" does not use \"proxy_bind\" with variables")
	default:
		target.Local, _ = proxy.ParseLocal(c.Bind.Text())
	}
	return target
}

// checkTLS returns the settings of TLS to the servers of a group. Names and certificates with
// variables are not used.
func checkTLS(t *proxy.TLS, g *upstream.Group) *healthcheck.TLS {
	name, connection := t.WithoutSession(g)
	return &healthcheck.TLS{Client: t.Client, Verifier: t.Verifier, Name: name, Connection: connection, Reuse: t.Reuse}
}

// probe returns the protocol of the check.
func (u *checkUse) probe(m *healthcheck.Match, hostname string) healthcheck.Probe {
	switch {
	case u.kind == kindMQTT:
		probe := u.mqtt
		probe.Seed, probe.Random = hostname, rand.Uint64()
		return &probe
	case u.kind == kindHTTP:
		return &healthcheck.HTTP{URI: u.http.uri, Statuses: u.http.statuses, Drains: u.http.drains}
	case m == nil:
		m = &healthcheck.Match{}
	}
	if u.udp {
		return &healthcheck.DatagramMatch{Match: *m}
	}
	return m
}

// isPrintable reports whether text can be part of a line of HTTP: it has neither blanks nor control
// characters.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
