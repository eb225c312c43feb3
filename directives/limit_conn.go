package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/modules/limitconn"
	"weir/stream/status"
)

// limitConnMain holds the zones of stream {}.
type limitConnMain struct {
	zones []*limitconn.Zone
}

// limitConnConf holds the limits of one level.
type limitConnConf struct {
	limits []limitUse
	dryRun conf.Opt[bool]
	level  conf.Opt[errorlog.Level]
}

// A limitUse is one limit_conn; its zone may be described later in the file.
type limitUse struct {
	zone  string
	conns int
}

// limitConnModule is ngx_stream_limit_conn_module.
var limitConnModule = &streamModule[limitConnMain, limitConnConf]{
	Name: "ngx_stream_limit_conn_module",
	Main: []conf.Entry[limitConnMain]{
		{Name: "limit_conn_zone", In: conf.Stream, Args: conf.Take(2), Repeat: true, Set: (*limitConnMain).describe},
	},
	Server: []conf.Entry[limitConnConf]{
		{Name: "limit_conn", In: either, Args: conf.Take(2), Repeat: true, Set: (*limitConnConf).limit},
		{Name: "limit_conn_dry_run", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *limitConnConf) *conf.Opt[bool] { return &c.dryRun })},
		{Name: "limit_conn_log_level", In: either, Args: conf.Take(1), Default: "error",
			Set: conf.Enum(func(c *limitConnConf) *conf.Opt[errorlog.Level] { return &c.level }, limitConnLevels)},
	},
	Vars:  limitconn.Variables(),
	Init:  (*limitConnMain).init,
	Merge: (*limitConnConf).merge,
	Build: (*limitConnConf).build,
}

var limitConnLevels = map[string]errorlog.Level{
	"info": errorlog.Info, "notice": errorlog.Notice, "warn": errorlog.Warn, "error": errorlog.Error,
}

// limitConnZone is the use of its zones.
const limitConnZone = "limit_conn"

// describe reads a limit_conn_zone. It follows ngx_stream_limit_conn_zone.
func (c *limitConnMain) describe(call *conf.Call) {
	key, ok := parseTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	name, size, ok := limitConnZoneName(call)
	if !ok {
		return
	}
	call.Zones().Declare(name, size, limitConnZone)
	if old := c.find(name); old != nil {
		call.Fail(&call.Args()[1], "limit_conn_zone \"%s\" is already bound to key \"%s\"", old.Name, old.Variable.Text())
		return
	}
	c.zones = append(c.zones, &limitconn.Zone{Name: name, Size: size, Variable: key, Status: status.NewLimitConn(name)})
}

// limitConnZoneName reads zone=NAME:SIZE.
func limitConnZoneName(call *conf.Call) (name string, size int64, ok bool) {
	word := &call.Args()[1]
	text, ok := strings.CutPrefix(word.Text, "zone=")
	if !ok {
		call.Fail(word, "invalid parameter \"%s\"", word.Text)
		return "", 0, false
	}
	name, sizeText, _ := strings.Cut(text, ":")
	size, ok = conf.ParseSize(sizeText)
	switch {
	case !ok:
		call.Fail(word, "invalid zone size \"%s\"", word.Text)
	case size < minZone:
		call.Fail(word, "zone \"%s\" is too small", word.Text)
	case name == "":
		call.Fail(word, "\"limit_conn_zone\" must have \"zone\" parameter")
	default:
		return name, size, true
	}
	return "", 0, false
}

func (c *limitConnMain) find(name string) *limitconn.Zone {
	for _, z := range c.zones {
		if z.Name == name {
			return z
		}
	}
	return nil
}

// limit follows ngx_stream_limit_conn.
func (c *limitConnConf) limit(call *conf.Call) {
	name, word := call.Arg(0), &call.Args()[1]
	call.Zones().Declare(name, 0, limitConnZone)
	for _, l := range c.limits {
		if l.zone == name {
			call.FailValue("is duplicate")
			return
		}
	}
	n, ok := conf.ParseNumber(word.Text)
	switch {
	case !ok || n == 0:
		call.Fail(word, "invalid number of connections \"%s\"", word.Text)
	case n > maxLimitConn:
		call.Fail(word, "connection limit must be less 65536")
	default:
		c.limits = append(c.limits, limitUse{name, int(n)})
	}
}

// maxLimitConn is the largest count of a key in nginx.
const maxLimitConn = 65535

func (c *limitConnMain) init(b *streamBuild) {
	zones := &b.config.Status
	for _, z := range c.zones {
		b.addPart(z)
		zones.LimitConns = append(zones.LimitConns, z.Status)
		zones.Slabs = append(zones.Slabs, status.Slab{Name: z.Name, Figures: z.Figures, Reset: z.ResetFigures})
	}
}

// merge passes the limits to a server that has none of its own.
func (c *limitConnConf) merge(child *limitConnConf) {
	if child.limits == nil {
		child.limits = c.limits
	}
	child.dryRun.Inherit(c.dryRun)
	child.level.Inherit(c.level)
}

func (c *limitConnConf) build(s *serverBuild) {
	if len(c.limits) == 0 {
		return
	}
	h := &limitconn.Handler{
		DryRun: c.dryRun.Or(false), Level: c.level.Or(errorlog.Error), Report: s.config.Vars.Uses(limitconn.Status),
	}
	described := conf.At[limitConnMain](s.level)
	for _, l := range c.limits {
		h.Limits = append(h.Limits, limitconn.Limit{Zone: described.find(l.zone), Conns: l.conns})
	}
	s.handle(stream.PreAccess, h)
}
