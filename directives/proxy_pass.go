package directives

import (
	"fmt"
	"strings"

	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/upstream"
)

// passUse is one proxy_pass: to a fixed destination, whose group is found at the end of stream {},
// or to the destination of a template.
type passUse struct {
	call     *conf.Call
	text     string
	address  conf.Address
	after    int // number of upstream blocks before it in the file
	group    *upstream.Group
	template *stream.Template // nil for a fixed destination
}

// setPass follows ngx_stream_proxy_pass.
func (c *proxyConf) setPass(call *conf.Call) {
	if c.pass != nil {
		call.FailValue("is duplicate")
		return
	}
	word := &call.Args()[0]
	c.pass = &passUse{call: call, text: word.Text}
	serveBy(call, c.content)
	t, ok := parseTemplate(call, word)
	if !ok {
		return
	}
	if t.HasVariables() {
		c.pass.template = &t
		return
	}
	var err error
	if c.pass.address, err = conf.ParseUpstream(word.Text); err != nil {
		call.Fail(word, "%s in upstream \"%s\"", err, word.Text)
		return
	}
	upstreams := conf.At[upstreamMain](call.Level)
	if !upstreams.mayName(call, &c.pass.address) {
		return
	}
	c.pass.after = len(upstreams.groups)
	outer := conf.At[proxyMain](call.Level)
	outer.passes = append(outer.passes, c.pass)
}

// init finds the group of every fixed proxy_pass: one that an upstream block describes, or an
// implicit one that all proxy_pass directives with the same address share. As in nginx, groups are
// made and checked in the order in which the file first names them.
func (c *proxyMain) init(b *streamBuild) {
	implicit := map[string]*upstream.Group{}
	blocks := conf.At[upstreamMain](b.block).groups
	for _, p := range c.passes {
		for _, g := range blocks[:p.after] {
			g.group()
		}
		if p.group = p.named(b); p.group != nil {
			continue
		}
		key := strings.ToLower(p.text)
		if implicit[key] == nil {
			implicit[key] = p.implicitGroup(b)
		}
		p.group = implicit[key]
	}
}

// named returns the group that an upstream block describes by that name. When the block is later in
// the file, errors report the line of the proxy_pass.
func (p *passUse) named(b *streamBuild) *upstream.Group {
	if p.address.IsUnix {
		return nil
	}
	use := conf.At[upstreamMain](b.block).find(p.address.Host)
	if use == nil {
		return nil
	}
	if use.built == nil {
		use.origin = p.call.Origin()
	}
	return use.group()
}

// implicitGroup follows ngx_stream_upstream_init_round_robin for an upstream that only a proxy_pass defines.
func (p *passUse) implicitGroup(b *streamBuild) *upstream.Group {
	word := &p.call.Args()[0]
	if p.address.NoPort {
		p.call.Fail(word, "no port in upstream \"%s\"", p.address.Host)
		return nil
	}
	addrs, err := p.address.Resolve(b.Env.LookupHost)
	if err != nil {
		p.call.Fail(word, "%s in upstream \"%s\"", err, p.address.Host)
		return nil
	}
	peers := make([]*upstream.PeerConf, len(addrs))
	for i, a := range addrs {
		peers[i] = &upstream.PeerConf{
			Server: p.text, Name: a.String(), Addr: a, Weight: 1, MaxFails: 1, FailTimeout: proxy.DefaultFailTimeout,
		}
	}
	g := upstream.NewGroup(p.text, peers, upstream.RoundRobin)
	b.addPart(g)
	return g
}

func (p *passUse) destination(s *serverBuild) proxy.Destination {
	if p.template == nil {
		return proxy.Destination{Group: p.group}
	}
	return proxy.Destination{Variable: p.template, Named: groupsByName(s), Parse: parsePlace, Names: namesOf(s)}
}

// needsFirstByte reports whether a group that sessions may use needs a report of the server's first
// byte.
func (p *passUse) needsFirstByte(s *serverBuild) bool {
	if p.template == nil {
		return p.group.NeedsFirstByte()
	}
	for _, g := range groupsByName(s) {
		if g.NeedsFirstByte() {
			return true
		}
	}
	return false
}

// noteTLS notes the groups that sessions reach over TLS.
func (p *passUse) noteTLS(s *serverBuild) {
	if p.template == nil {
		p.group.SetOverTLS()
		return
	}
	for _, g := range groupsByName(s) {
		g.SetOverTLS()
	}
}

// groupsByName returns every group that a proxy_pass with variables may name, including those that
// a fixed proxy_pass has made. nginx compares the host, and a block has no port: a block with a
// name that looks like a host with a port is never found. The host of a unix socket is its path,
// and it has no port.
func groupsByName(s *serverBuild) map[string]*upstream.Group {
	named := map[string]*upstream.Group{}
	blocks := conf.At[upstreamMain](s.block)
	for _, p := range s.config.Parts {
		g, ok := p.(*upstream.Group)
		if !ok {
			continue
		}
		name, block := strings.ToLower(g.Name), blocks.describes(g)
		if block {
			named["unix:"+name] = g
		}
		if !block || isHost(name) {
			named[name] = g
		}
	}
	return named
}

// isHost reports whether text is a host without a port.
func isHost(text string) bool {
	a, err := conf.ParseUpstream(text)
	return err == nil && a.NoPort && !a.IsUnix
}

// parsePlace parses the result of a proxy_pass with variables. It follows ngx_stream_proxy_eval.
func parsePlace(text string) (proxy.Endpoint, error) {
	a, err := conf.ParseUpstream(text)
	if err != nil {
		return proxy.Endpoint{}, fmt.Errorf("%w in upstream \"%s\"", err, text)
	}
	if a.NoPort {
		return proxy.Endpoint{}, fmt.Errorf("no port in upstream \"%s\"", a.Host)
	}
	if !a.IsUnix && !a.IP.IsValid() {
		return proxy.Endpoint{Text: text, Host: a.Host, Port: uint16(a.Port)}, nil
	}
	addrs, err := a.Resolve(nil)
	if err != nil {
		return proxy.Endpoint{}, err
	}
	return proxy.Endpoint{Text: text, Addr: addrs[0]}, nil
}
