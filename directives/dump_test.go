package directives

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"weir/internal/errorlog"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/modules/healthcheck"
	"weir/stream/modules/mqttfilter"
	"weir/stream/modules/pass"
	"weir/stream/modules/proxy"
	"weir/stream/modules/reply"
	"weir/stream/modules/set"
	"weir/stream/upstream"
)

// A dump is a text of lines, indented by depth. Settings that have the documented default are left
// out.
type dump struct {
	strings.Builder
	depth   int
	mainLog *errorlog.Log
}

func (d *dump) line(format string, args ...any) {
	d.WriteString(strings.Repeat("  ", d.depth) + fmt.Sprintf(format, args...) + "\n")
}

func (d *dump) within(inner func()) {
	d.depth++
	inner()
	d.depth--
}

// differing writes name=value unless value is the default.
func differing[T comparable](d *dump, name string, value, byDefault T) {
	if value != byDefault {
		d.line("%s=%v", name, value)
	}
}

// describeProgram returns the meaning of a configuration as text.
func describeProgram(p *Program) string {
	d := &dump{mainLog: p.Main.ErrorLog}
	d.main(&p.Main)
	for _, part := range p.Stream.Parts {
		switch part := part.(type) {
		case *upstream.Group:
			d.WriteString("group " + describeGroup(part))
		case *healthcheck.Checker:
			d.checks(part)
		}
	}
	var servers []*stream.Server
	for _, l := range p.Stream.Listens {
		d.listen(l, &servers)
	}
	for _, l := range p.Web.Listens {
		d.line("http listen %s of %s to server of %s", l.Socket.Addr, l.Socket.Origin, l.Default.Origin)
	}
	for _, s := range servers {
		d.server(s)
	}
	return d.String()
}

func describeGroup(g *upstream.Group) string {
	text := fmt.Sprintf("%s %T", g.Name, g.Method)
	if rate := g.CloseBudget().PerSecond(); rate > 0 {
		text += fmt.Sprintf(" close_rate=%d", rate)
	}
	if size, timeout := g.QueueLimits(); size > 0 {
		text += fmt.Sprintf(" queue=%d timeout=%s", size, timeout)
	}
	text += "\n"
	for _, p := range g.Peers() {
		text += fmt.Sprintf("  %s as %s weight=%d max_conns=%d max_fails=%d fail_timeout=%s",
			p.Server, p.Name, p.Weight, p.MaxConns, p.MaxFails, p.FailTimeout)
		if p.SlowStart > 0 {
			text += " slow_start=" + p.SlowStart.String()
		}
		if p.ConnectRate > 0 {
			text += fmt.Sprintf(" max_connect_rate=%d", p.ConnectRate)
		}
		if p.Down {
			text += " down"
		}
		if p.Drain {
			text += " drain"
		}
		if p.Backup {
			text += " backup"
		}
		text += "\n"
	}
	for _, n := range g.DynamicServers() {
		text += fmt.Sprintf("  follows %s port=%d service=%q ring_by_address=%v weight=%d backup=%v\n",
			n.Host, n.Port, n.Service, n.EachAddress, n.Template.Weight, n.Template.Backup)
	}
	return text
}

// checks describes the health checks.
func (d *dump) checks(all *healthcheck.Checker) {
	for _, c := range all.Checks {
		d.line("check of group %s by %T", c.Group.Name, c.Probe)
		d.within(func() {
			d.line("interval=%v", c.Interval)
			differing(d, "jitter", c.Jitter, 0)
			differing(d, "fails", c.Fails, 1)
			differing(d, "passes", c.Passes, 1)
			differing(d, "match", c.Name, "")
			differing(d, "port", c.Port, 0)
			differing(d, "udp", c.UDP, false)
			differing(d, "timeout", c.Timeout, 5*time.Second)
			differing(d, "buffer", c.BufferSize, 16<<10)
			differing(d, "local address", c.Target.Local.String(), "")
			differing(d, "proxy_protocol", c.Protocol, healthcheck.NoHeader)
			d.line("request=%q", c.Probe.Request(stream.Addr{}))
		})
	}
}

func (d *dump) main(m *Main) {
	differing(d, "daemon", m.Daemon, true)
	differing(d, "pid", m.PidFile, "/p/nginx.pid")
	differing(d, "user", m.User, "")
	differing(d, "group", m.Group, "")
	differing(d, "worker_processes", m.WorkerProcesses, 1)
	differing(d, "worker_connections", m.WorkerConnections, 512)
	differing(d, "worker_rlimit_nofile", m.RlimitNofile, 0)
	differing(d, "worker_rlimit_core", m.RlimitCore, 0)
	differing(d, "worker_priority", m.Priority, 0)
	if cpus := m.Affinity.Of(0); cpus != nil {
		d.line("worker_cpu_affinity=%v, %v", cpus, m.Affinity.Of(1))
	}
	differing(d, "worker_shutdown_timeout", m.ShutdownTimeout, 0)
	differing(d, "working_directory", m.WorkingDirectory, "")
	if m.Env != nil {
		d.line("env=%q", m.Env)
	}
}

// listen describes an address, and adds its server to the servers to describe.
func (d *dump) listen(l *stream.Listen, servers *[]*stream.Server) {
	if !slices.Contains(*servers, l.Default) {
		*servers = append(*servers, l.Default)
	}
	d.line("listen %s of %s to server of %s", l.Addr, l.Origin, l.Default.Origin)
	d.within(func() {
		differing(d, "udp", l.Addr.UDP, false)
		differing(d, "proxy_protocol", l.ProxyProtocol, false)
		differing(d, "wants local address", l.WantLocal, false)
		differing(d, "servers by name", l.Names != nil, false)
		d.options(&l.Options)
		for _, ip := range slices.SortedFunc(maps.Keys(l.Inner), netip.Addr.Compare) {
			d.listen(l.Inner[ip], servers)
		}
	})
}

func (d *dump) options(o *stream.ListenOptions) {
	differing(d, "bind", o.Bind, false)
	differing(d, "backlog", o.Backlog, 511)
	differing(d, "rcvbuf", o.RcvBuf, 0)
	differing(d, "sndbuf", o.SndBuf, 0)
	differing(d, "fastopen", o.FastOpen, 0)
	differing(d, "deferred", o.Deferred, false)
	differing(d, "reuseport", o.ReusePort, false)
	differing(d, "multipath", o.Multipath, false)
	differing(d, "ipv6only", o.IPv6Only, true)
	if k := o.KeepAlive; k.Set {
		d.line("so_keepalive on=%v idle=%v interval=%v count=%d", k.On, k.Idle, k.Interval, k.Count)
	}
}

func (d *dump) server(s *stream.Server) {
	d.line("server of %s", s.Origin)
	d.within(func() {
		set := &s.Settings
		differing(d, "preread_buffer_size", set.PrereadBufferSize, 16384)
		differing(d, "preread_timeout", set.PrereadTimeout.String(), "30s")
		differing(d, "proxy_protocol_timeout", set.ProxyProtocolTimeout.String(), "30s")
		differing(d, "tcp_nodelay", set.NoDelay, true)
		differing(d, "error log of its own", set.ErrorLog != d.mainLog, false)
		for phase, handlers := range s.Handlers {
			for i, h := range handlers {
				d.line("phase %d place %d: %T", phase, i, h)
				d.assignments(h)
			}
		}
		differing(d, "loggers", len(s.Loggers), 0)
		d.filter(s.Filter)
		d.content(s.Content)
	})
}

// filter describes the filter of a server, if it has one.
func (d *dump) filter(f stream.Filter) {
	mqtt, ok := f.(*mqttfilter.Filter)
	if !ok {
		return
	}
	d.line("mqtt filter with %d bytes", mqtt.Limit)
	for i, value := range mqtt.Values {
		if value != nil {
			d.within(func() { d.line("%s is %q", mqttfilter.FieldID(i), value.Text()) })
		}
	}
}

// assignments describes the values of set directives, if h contains any.
func (d *dump) assignments(h stream.Handler) {
	all, _ := h.(set.Handler)
	for _, a := range all {
		d.within(func() { d.line("variable %d is %q", a.Index, a.Value.Text()) })
	}
}

func (d *dump) content(c stream.Content) {
	switch c := c.(type) {
	case *proxy.Content:
		d.proxyTo(c)
		d.within(func() { d.proxy(c) })
	case *reply.Content:
		d.line("return %q", c.Text.Text())
	case *pass.Content:
		d.passTo(c)
	default:
		d.line("no content")
	}
}

func (d *dump) proxyTo(p *proxy.Content) {
	if p.To.Group != nil {
		d.line("proxy to group %s of %d", p.To.Group.Name, len(p.To.Group.Peers()))
		return
	}
	d.line("proxy to %s among %q", p.To.Variable.Text(), slices.Sorted(maps.Keys(p.To.Named)))
	if n := p.To.Names; n.Resolver != nil {
		d.within(func() { d.line("names by %s, resolver_timeout=%s", n.Resolver, n.Timeout) })
	}
}

func (d *dump) passTo(p *pass.Content) {
	if p.Variable != nil {
		d.line("pass to %s", p.Variable.Text())
		return
	}
	d.line("pass to %s", p.Addr)
}

func (d *dump) proxy(p *proxy.Content) {
	if p.Bind != nil {
		d.line("bind=%s", p.Bind.Text())
		differing(d, "transparent", p.Transparent, false)
		differing(d, "bind dynamic", p.BindDynamic, false)
	}
	differing(d, "session_drop", p.SessionDrop, false)
	if p.Disconnect != nil {
		d.line("disconnect reference=%q", p.Disconnect.Reference)
	}
	differing(d, "connect_timeout", p.ConnectTimeout.String(), "1m0s")
	differing(d, "next_upstream", p.NextUpstream, true)
	differing(d, "tries", p.NextTries, 0)
	differing(d, "next_timeout", p.NextTimeout, 0)
	differing(d, "protocol", p.Protocol, proxy.Off)
	differing(d, "keepalive", p.KeepAlive, false)
	differing(d, "rcvbuf", p.RcvBuf, 0)
	differing(d, "sndbuf", p.SndBuf, 0)
	d.rate("upload", p.Upload)
	d.rate("download", p.Download)
	d.relay(p.Relay)
}

func (d *dump) rate(name string, r proxy.Rate) {
	if r.Variable != nil {
		d.line("%s=%s", name, r.Variable.Text())
		return
	}
	differing(d, name, r.Fixed, 0)
}

func (d *dump) relay(r *relay.Spec) {
	differing(d, "timeout", r.Timeout.String(), "10m0s")
	differing(d, "buffer_size", r.BufferSize, 16384)
	differing(d, "half_close", r.HalfClose, false)
	differing(d, "first_byte", r.FirstByte, false)
	differing(d, "requests", r.Requests, 0)
	differing(d, "responses", r.Responses, -1)
}
