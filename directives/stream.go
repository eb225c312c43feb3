package directives

import (
	"time"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/parser/diag"
	"weir/stream"
	"weir/web"
)

// processConf holds the Config of the process while its directives are read.
type processConf struct {
	config *stream.Config
	web    *web.Config
}

// streamBlockModule is the block of ngx_stream_core_module.
var streamBlockModule = &conf.CoreModule{
	Name: "ngx_stream_core_module",
	Tables: []conf.Table{&conf.Settings[processConf]{Of: conf.Main, Entries: []conf.Entry[processConf]{
		{Name: "stream", In: conf.Main, Body: conf.Nested, Args: conf.None, Set: streamBlock},
	}}},
}

// streamMain holds the servers of stream {} and their addresses.
type streamMain struct {
	listenSet
	servers []*conf.Level // in order
}

// streamConf holds the settings of the stream core of one level.
type streamConf struct {
	listening            bool // the server has a listen directive
	names                serverNames[stream.Regex]
	content              content // the last of the server's directives that set the content; nil without one
	errorLog             errorLogConf
	prereadBufferSize    conf.Opt[int64]
	prereadTimeout       conf.Opt[time.Duration]
	proxyProtocolTimeout conf.Opt[time.Duration]
	noDelay              conf.Opt[bool]
	resolver             *resolverUse // nil if not given
	resolverTimeout      conf.Opt[time.Duration]
}

// streamCoreModule is ngx_stream_core_module without its block.
var streamCoreModule = &streamModule[streamMain, streamConf]{
	Name: "ngx_stream_core_module",
	Main: []conf.Entry[streamMain]{
		{Name: "server", In: conf.Stream, Body: conf.Nested, Args: conf.None, Repeat: true, Set: (*streamMain).server},
		{Name: "server_names_hash_bucket_size", In: conf.Stream, Args: conf.Take(1), Default: "32|64|128", Support: conf.Inert,
			Set: conf.Number(ignore[streamMain, int64])},
		{Name: "server_names_hash_max_size", In: conf.Stream, Args: conf.Take(1), Default: "512", Support: conf.Inert,
			Set: conf.Number(ignore[streamMain, int64])},
		{Name: "variables_hash_bucket_size", In: conf.Stream, Args: conf.Take(1), Default: "64", Support: conf.Inert,
			Set: conf.Number(ignore[streamMain, int64])},
		{Name: "variables_hash_max_size", In: conf.Stream, Args: conf.Take(1), Default: "1024", Support: conf.Inert,
			Set: conf.Number(ignore[streamMain, int64])},
	},
	Server: []conf.Entry[streamConf]{
		{Name: "listen", In: conf.Server, Args: conf.AtLeast(1), Repeat: true, Set: (*streamConf).listen},
		{Name: "server_name", In: conf.Server, Args: conf.AtLeast(1), Default: `""`, Repeat: true, Set: (*streamConf).setNames},
		{Name: "error_log", In: either, Args: conf.AtLeast(1), Repeat: true, Set: (*streamConf).setErrorLog},
		{Name: "preread_buffer_size", In: either, Args: conf.Take(1), Default: "16k",
			Set: conf.Size(func(c *streamConf) *conf.Opt[int64] { return &c.prereadBufferSize })},
		{Name: "preread_timeout", In: either, Args: conf.Take(1), Default: "30s",
			Set: conf.Msec(func(c *streamConf) *conf.Opt[time.Duration] { return &c.prereadTimeout })},
		{Name: "proxy_protocol_timeout", In: either, Args: conf.Take(1), Default: "30s",
			Set: conf.Msec(func(c *streamConf) *conf.Opt[time.Duration] { return &c.proxyProtocolTimeout })},
		{Name: "resolver", In: either, Args: conf.AtLeast(1), Set: (*streamConf).setResolver},
		{Name: "resolver_timeout", In: either, Args: conf.Take(1), Default: "30s",
			Set: conf.Msec(func(c *streamConf) *conf.Opt[time.Duration] { return &c.resolverTimeout })},
		{Name: "tcp_nodelay", In: either, Args: conf.OnOff, Default: "on",
			Set: conf.Flag(func(c *streamConf) *conf.Opt[bool] { return &c.noDelay })},
	},
	Merge: (*streamConf).merge,
	Build: (*streamConf).build,
}

// streamBlock compiles all of stream {}: its directives, then its servers, then the addresses that
// they listen on.
func streamBlock(_ *processConf, call *conf.Call) {
	conf.At[coreConf](call.Level).blocks = true
	configOf(call.Level).Exists = true
	level := call.Nest(conf.Stream)
	if !call.Complete() {
		return
	}
	main := conf.At[streamMain](level)
	if servers := buildServers(call.Compiler(), level, main.servers); servers != nil {
		main.finishListens(call.Compiler(), servers)
	}
}

func (c *streamMain) server(call *conf.Call) {
	level := call.Nest(conf.Server)
	c.servers = append(c.servers, level)
	if call.Complete() && !conf.At[streamConf](level).listening {
		call.Compiler().ReportBare(diag.Emerg, "no \"listen\" is defined for server in %s", call.Origin())
	}
}

func (c *streamConf) setErrorLog(call *conf.Call) { c.errorLog.set(call) }

func (c *streamConf) merge(child *streamConf) {
	child.prereadBufferSize.Inherit(c.prereadBufferSize)
	child.prereadTimeout.Inherit(c.prereadTimeout)
	child.proxyProtocolTimeout.Inherit(c.proxyProtocolTimeout)
	child.noDelay.Inherit(c.noDelay)
	child.resolverTimeout.Inherit(c.resolverTimeout)
	if child.resolver == nil {
		child.resolver = c.resolver
	}
}

func (c *streamConf) build(s *serverBuild) {
	s.server.Origin = s.level.Origin()
	s.server.Settings = stream.Settings{
		Name:                 c.names.first(),
		PrereadBufferSize:    conf.Int(c.prereadBufferSize.Or(16 << 10)),
		PrereadTimeout:       c.prereadTimeout.Or(30 * time.Second),
		ProxyProtocolTimeout: c.proxyProtocolTimeout.Or(30 * time.Second),
		NoDelay:              c.noDelay.Or(true),
		ErrorLog:             c.serverErrorLog(s),
	}
	if c.content != nil {
		s.server.Content = c.content(s)
	}
}

// serverErrorLog returns the log of the innermost level that has one: the server, stream {}, the
// process.
func (c *streamConf) serverErrorLog(s *serverBuild) *errorlog.Log {
	outer := conf.At[streamConf](s.block).errorLog.build(s.Compiler, mainErrorLog(s.Compiler))
	return c.errorLog.build(s.Compiler, outer)
}
