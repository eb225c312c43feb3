package directives

import (
	"slices"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/parser"
	"weir/stream"
	"weir/web"
)

// httpBlockModule is the block of ngx_http_core_module.
var httpBlockModule = &conf.CoreModule{
	Name: "ngx_http_core_module",
	Tables: []conf.Table{&conf.Settings[processConf]{Of: conf.Main, Entries: []conf.Entry[processConf]{
		{Name: "http", In: conf.Main, Body: conf.Nested, Args: conf.None, Set: httpBlock},
	}}},
}

// httpMain holds the servers of http {} and their addresses.
type httpMain struct {
	listenSet
	servers []*conf.Level // in order
}

// httpServer holds the settings of the http core that belong to servers.
type httpServer struct {
	listening     bool // the server has a listen directive
	names         serverNames[web.Regex]
	headerTimeout conf.Opt[time.Duration]
	mergeSlashes  conf.Opt[bool]
	zone          string
	own           bool         // something in the server cannot be served by nginx alone: the API, metrics, stub_status
	foreign       []*conf.Call // the directives that make content and are not supported
}

// httpLocation holds the settings of the http core that belong to locations.
type httpLocation struct {
	kind    web.Kind
	name    string
	pattern *web.Regex
	block   bool          // an if or a limit_except, which has the content of its location
	made    *web.Location // once built

	content           func(*locationBuild) web.Content // the last of the directives that set the content; nil without one
	internal          bool
	zone              string
	root              *rootConf // nil if not given
	errorPages        []web.ErrorPage
	types             map[string]string
	defaultType       conf.Opt[string]
	bodyBuffer        conf.Opt[int64]
	maxBody           conf.Opt[int64]
	bodyTimeout       conf.Opt[time.Duration]
	sendTimeout       conf.Opt[time.Duration]
	keepaliveTimeout  conf.Opt[time.Duration]
	keepaliveRequests conf.Opt[int64]
	satisfyAny        conf.Opt[bool]
	tokens            *web.Template // nil if not given
	logNotFound       conf.Opt[bool]
	absoluteRedirect  conf.Opt[bool]
	errorLog          errorLogConf
	methods           []string    // of limit_except
	except            *conf.Level // limit_except
	tries             []parser.Word
	resolver          *resolverUse
}

// httpCoreModule is ngx_http_core_module without its block.
var httpCoreModule = &httpModule[httpMain, httpServer, httpLocation]{
	Name: "ngx_http_core_module",
	Main: []conf.Entry[httpMain]{
		{Name: "server", In: conf.HTTP, Body: conf.Nested, Args: conf.None, Repeat: true, Set: (*httpMain).server},
		{Name: "server_names_hash_bucket_size", In: conf.HTTP, Args: conf.Take(1), Default: "32|64|128", Support: conf.Inert,
			Set: conf.Number(ignore[httpMain, int64])},
		{Name: "server_names_hash_max_size", In: conf.HTTP, Args: conf.Take(1), Default: "512", Support: conf.Inert,
			Set: conf.Number(ignore[httpMain, int64])},
		{Name: "variables_hash_bucket_size", In: conf.HTTP, Args: conf.Take(1), Default: "64", Support: conf.Inert,
			Set: conf.Number(ignore[httpMain, int64])},
		{Name: "variables_hash_max_size", In: conf.HTTP, Args: conf.Take(1), Default: "1024", Support: conf.Inert,
			Set: conf.Number(ignore[httpMain, int64])},
	},
	Server: []conf.Entry[httpServer]{
		{Name: "client_header_timeout", In: httpEither, Args: conf.Take(1), Default: "60s",
			Set: conf.Msec(func(c *httpServer) *conf.Opt[time.Duration] { return &c.headerTimeout })},
		{Name: "listen", In: conf.HTTPServer, Args: conf.AtLeast(1), Default: "*:80 | *:8000", Repeat: true, Set: (*httpServer).listen},
		{Name: "merge_slashes", In: httpEither, Args: conf.OnOff, Default: "on",
			Set: conf.Flag(func(c *httpServer) *conf.Opt[bool] { return &c.mergeSlashes })},
		{Name: "server_name", In: conf.HTTPServer, Args: conf.AtLeast(1), Default: `""`, Repeat: true, Set: (*httpServer).setNames},
	},
	Location: []conf.Entry[httpLocation]{
		{Name: "absolute_redirect", In: httpAll, Args: conf.OnOff, Default: "on",
			Set: conf.Flag(func(c *httpLocation) *conf.Opt[bool] { return &c.absoluteRedirect })},
		{Name: "alias", In: conf.Location, Args: conf.Take(1), Repeat: true, Set: (*httpLocation).setRoot},
		{Name: "client_body_buffer_size", In: httpAll, Args: conf.Take(1), Default: "8k|16k",
			Set: conf.Size(func(c *httpLocation) *conf.Opt[int64] { return &c.bodyBuffer })},
		{Name: "client_body_timeout", In: httpAll, Args: conf.Take(1), Default: "60s",
			Set: conf.Msec(func(c *httpLocation) *conf.Opt[time.Duration] { return &c.bodyTimeout })},
		{Name: "client_max_body_size", In: httpAll, Args: conf.Take(1), Default: "1m",
			Set: conf.Offset(func(c *httpLocation) *conf.Opt[int64] { return &c.maxBody })},
		{Name: "default_type", In: httpAll, Args: conf.Take(1), Default: "text/plain",
			Set: conf.String(func(c *httpLocation) *conf.Opt[string] { return &c.defaultType })},
		{Name: "error_log", In: httpAll, Args: conf.AtLeast(1), Repeat: true,
			Set: func(c *httpLocation, call *conf.Call) { c.errorLog.set(call) }},
		{Name: "error_page", In: httpAnywhere, Args: conf.AtLeast(2), Repeat: true, Set: (*httpLocation).errorPage},
		{Name: "internal", In: conf.Location, Args: conf.None, Set: func(c *httpLocation, _ *conf.Call) { c.internal = true }},
		{Name: "keepalive_requests", In: httpAll, Args: conf.Take(1), Default: "1000",
			Set: conf.Number(func(c *httpLocation) *conf.Opt[int64] { return &c.keepaliveRequests })},
		{Name: "keepalive_timeout", In: httpAll, Args: conf.Take(1, 2), Default: "75s", Set: (*httpLocation).setKeepalive},
		{Name: "limit_except", In: conf.Location, Args: conf.AtLeast(1), Body: conf.Nested, Set: (*httpLocation).limitExcept},
		{Name: "location", In: conf.HTTPServer | conf.Location, Args: conf.Take(1, 2), Body: conf.Nested, Repeat: true,
			Set: (*httpLocation).location},
		{Name: "log_not_found", In: httpAll, Args: conf.OnOff, Default: "on",
			Set: conf.Flag(func(c *httpLocation) *conf.Opt[bool] { return &c.logNotFound })},
		{Name: "resolver", In: httpAll, Args: conf.AtLeast(1), Support: conf.Inert,
			Set: func(c *httpLocation, call *conf.Call) { setResolver(&c.resolver, call) }},
		{Name: "resolver_timeout", In: httpAll, Args: conf.Take(1), Default: "30s", Support: conf.Inert,
			Set: conf.Msec(ignore[httpLocation, time.Duration])},
		{Name: "root", In: httpAnywhere, Args: conf.Take(1), Default: "html", Repeat: true, Set: (*httpLocation).setRoot},
		{Name: "satisfy", In: httpAll, Args: conf.Take(1), Default: "all",
			Set: conf.Enum(func(c *httpLocation) *conf.Opt[bool] { return &c.satisfyAny }, map[string]bool{"all": false, "any": true})},
		{Name: "send_timeout", In: httpAll, Args: conf.Take(1), Default: "60s",
			Set: conf.Msec(func(c *httpLocation) *conf.Opt[time.Duration] { return &c.sendTimeout })},
		{Name: "sendfile", In: httpAnywhere, Args: conf.OnOff, Default: "off", Support: conf.Inert,
			Set: conf.Flag(ignore[httpLocation, bool])},
		{Name: "server_tokens", In: httpAll, Args: conf.Take(1), Default: "on", Set: (*httpLocation).setTokens},
		{Name: "tcp_nodelay", In: httpAll, Args: conf.OnOff, Default: "on", Support: conf.Inert,
			Set: conf.Flag(ignore[httpLocation, bool])},
		{Name: "tcp_nopush", In: httpAll, Args: conf.OnOff, Default: "off", Support: conf.Inert,
			Set: conf.Flag(ignore[httpLocation, bool])},
		{Name: "try_files", In: conf.HTTPServer | conf.Location, Args: conf.AtLeast(2), Set: (*httpLocation).tryFiles},
		{Name: "types", In: httpAll, Args: conf.None, Body: conf.Pairs, Default: "text/html html; image/gif gif; image/jpeg jpg;",
			Repeat: true, Set: (*httpLocation).setTypes},
		{Name: "types_hash_bucket_size", In: httpAll, Args: conf.Take(1), Default: "64", Support: conf.Inert,
			Set: conf.Number(ignore[httpLocation, int64])},
		{Name: "types_hash_max_size", In: httpAll, Args: conf.Take(1), Default: "1024", Support: conf.Inert,
			Set: conf.Number(ignore[httpLocation, int64])},
	},
	MergeServer:   (*httpServer).merge,
	MergeLocation: (*httpLocation).merge,
	BuildServer:   (*httpServer).build,
	Build:         (*httpLocation).build,
}

// httpBlock compiles all of http {}: its directives, then its servers, then the addresses that they listen
// on.
func httpBlock(c *processConf, call *conf.Call) {
	conf.At[coreConf](call.Level).blocks = true
	level := call.NestWith(conf.HTTP, func(l *conf.Level) { conf.At[httpLogMain](l).predefine(c.web.Vars) })
	if !call.Complete() {
		return
	}
	main := conf.At[httpMain](level)
	b := &httpBuild{Compiler: call.Compiler(), block: level, config: c.web, servers: map[*conf.Level]*web.Server{}}
	if b.Finish(level, main.servers, b) {
		main.finishWeb(b)
	}
}

func (c *httpMain) server(call *conf.Call) {
	level := call.Nest(conf.HTTPServer)
	c.servers = append(c.servers, level)
	if server := conf.At[httpServer](level); call.Complete() && !server.listening {
		c.addDefault(call, level)
	}
}

// merge follows ngx_http_core_merge_srv_conf.
func (c *httpServer) merge(child *httpServer) {
	child.headerTimeout.Inherit(c.headerTimeout)
	child.mergeSlashes.Inherit(c.mergeSlashes)
}

func (c *httpServer) build(s *httpServerBuild) {
	s.server.Name = c.names.first()
	s.server.Origin = s.level.Origin()
	if c.zone != "" {
		s.server.Zone = c.zone
		s.config.Zones.AddServer(c.zone)
	}
	s.server.HeaderTimeout = c.headerTimeout.Or(time.Minute)
	s.server.MergeSlashes = c.mergeSlashes.Or(true)
	if len(c.foreign) > 0 {
		c.warn(s)
	}
}

// warn reports that the server, or its locations with content that is not supported, are not served.
func (c *httpServer) warn(s *httpServerBuild) {
	first := c.foreign[0]
	if c.own {
		first.Warn(nil, "\"%s\" directive is not supported in \"http\": the location answers 502", first.Dir.Name.Text)
		return
	}
	var addrs []string
	for _, l := range conf.At[httpMain](s.block).listens {
		if slices.Contains(l.servers, s.level) {
			addrs = append(addrs, l.addr.String())
		}
	}
	first.Warn(nil, "\"%s\" directive is not supported in \"http\": the server on %s is not served",
		first.Dir.Name.Text, strings.Join(addrs, ", "))
}

// isServed reports whether an address is opened for the server.
func (c *httpServer) isServed() bool { return c.own || len(c.foreign) == 0 }

// merge follows ngx_http_core_merge_loc_conf.
func (c *httpLocation) merge(child *httpLocation) {
	if child.block {
		child.kind, child.name, child.pattern = c.kind, c.name, c.pattern
		child.tries = c.tries
		if child.content == nil {
			child.content = c.content
		}
	}
	if child.zone == "" {
		child.zone = c.zone
	}
	if child.root == nil {
		child.root = c.root
	}
	if child.errorPages == nil {
		child.errorPages = c.errorPages
	}
	if child.types == nil {
		child.types = c.types
	}
	if child.tokens == nil {
		child.tokens = c.tokens
	}
	child.defaultType.Inherit(c.defaultType)
	child.bodyBuffer.Inherit(c.bodyBuffer)
	child.maxBody.Inherit(c.maxBody)
	child.bodyTimeout.Inherit(c.bodyTimeout)
	child.sendTimeout.Inherit(c.sendTimeout)
	child.keepaliveTimeout.Inherit(c.keepaliveTimeout)
	child.keepaliveRequests.Inherit(c.keepaliveRequests)
	child.satisfyAny.Inherit(c.satisfyAny)
	child.logNotFound.Inherit(c.logNotFound)
	child.absoluteRedirect.Inherit(c.absoluteRedirect)
}

// defaultTypes are the types without a types directive.
var defaultTypes = map[string]string{"html": "text/html", "gif": "image/gif", "jpg": "image/jpeg"}

func (c *httpLocation) build(b *locationBuild) {
	l := b.location
	l.Kind, l.Name, l.Pattern = c.kind, c.name, c.pattern
	l.Internal, l.AnyAccess = c.internal, c.satisfyAny.Or(false)
	if c.zone != "" && c.zone != "off" {
		l.Zone = c.zone
		b.config.Zones.AddLocation(c.zone)
	}
	l.ErrorLog = webErrorLog(b.Compiler, b.level)
	l.Settings = web.Settings{
		ErrorPages: c.errorPages, Types: c.types, DefaultType: c.defaultType.Or("text/plain"),
		BodyBuffer: c.bodyBuffer.Or(16 << 10), MaxBody: c.maxBody.Or(1 << 20),
		BodyTimeout: c.bodyTimeout.Or(time.Minute), SendTimeout: c.sendTimeout.Or(time.Minute),
		KeepaliveTimeout: c.keepaliveTimeout.Or(75 * time.Second), KeepaliveRequests: c.keepaliveRequests.Or(1000),
		Product: nginxProduct, LogNotFound: c.logNotFound.Or(true), AbsoluteRedirect: c.absoluteRedirect.Or(true),
	}
	if c.types == nil {
		l.Settings.Types = defaultTypes
	}
	if c.tokens != nil {
		l.Settings.Product = *c.tokens
	}
	c.buildRoot(b)
	if c.except != nil {
		l.Except = &web.Except{Methods: c.methods, Location: b.httpServerBuild.location(c.except)}
	}
	if c.content != nil {
		l.Content = c.content(b)
	}
}

// webErrorLog returns the log of the innermost level that has one: a location, the blocks around it, the
// process.
func webErrorLog(c *conf.Compiler, level *conf.Level) *errorlog.Log {
	if level.Context == conf.Main {
		return mainErrorLog(c)
	}
	return conf.At[httpLocation](level).errorLog.build(c, webErrorLog(c, level.Parent))
}

// serveWebBy makes content the content of the location that contains the directive.
func serveWebBy(call *conf.Call, content func(*locationBuild) web.Content) {
	conf.At[httpLocation](call.Level).content = content
}

// The values of server_tokens.
var (
	nginxProduct = web.Literal("nginx/" + stream.NginxVersion)
	plainProduct = web.Literal("nginx")
	buildProduct = web.Literal("nginx/" + stream.NginxVersion + " (weir)")
)

func (c *httpLocation) setTokens(call *conf.Call) {
	switch call.Arg(0) {
	case "on":
		c.tokens = &nginxProduct
	case "off":
		c.tokens = &plainProduct
	case "build":
		c.tokens = &buildProduct
	default:
		if t, ok := parseWebTemplate(call, &call.Args()[0]); ok {
			c.tokens = &t
		}
	}
}

// setKeepalive follows ngx_http_core_keepalive. The time that the header shows has no effect.
func (c *httpLocation) setKeepalive(call *conf.Call) {
	d, ok := conf.ParseMsec(call.Arg(0))
	if ok && len(call.Args()) == 2 {
		_, ok = conf.ParseSec(call.Arg(1))
	}
	if !ok {
		call.FailValue("invalid value")
		return
	}
	c.keepaliveTimeout.Set(d)
}

// setTypes follows ngx_http_core_types.
func (c *httpLocation) setTypes(call *conf.Call) {
	if c.types == nil {
		c.types = map[string]string{}
	}
	eachLine(call, func(line *conf.Call) {
		kind := line.Dir.Name.Text
		for i := range line.Args() {
			word := &line.Args()[i]
			if old, ok := c.types[strings.ToLower(word.Text)]; ok {
				line.Warn(word, "duplicate extension \"%s\", content type: \"%s\", previous content type: \"%s\"", word.Text, kind, old)
			}
			c.types[strings.ToLower(word.Text)] = kind
		}
	})
}

// errorPage follows ngx_http_core_error_page.
func (c *httpLocation) errorPage(call *conf.Call) {
	words := call.Args()
	codes, override := words[:len(words)-1], web.KeepStatus
	if last := &codes[len(codes)-1]; strings.HasPrefix(last.Text, "=") {
		codes = codes[:len(codes)-1]
		n, ok := conf.ParseNumber(last.Text[1:])
		if len(codes) == 0 || last.Text != "=" && !ok {
			call.Fail(last, "invalid value \"%s\"", last.Text)
			return
		}
		override = conf.Int(n)
	}
	to, ok := parseWebTemplate(call, &words[len(words)-1])
	if !ok {
		return
	}
	for i := range codes {
		status, ok := errorStatus(call, &codes[i])
		if !ok {
			return
		}
		c.errorPages = append(c.errorPages, web.ErrorPage{Status: status, To: to, Override: overrideOf(status, override)})
	}
}

// errorStatus reads a status that may have an error page.
func errorStatus(call *conf.Call, word *parser.Word) (int, bool) {
	n, ok := conf.ParseNumber(word.Text)
	switch {
	case !ok || n == 499:
		call.Fail(word, "invalid value \"%s\"", word.Text)
		return 0, false
	case n < 300 || n > 599:
		call.Fail(word, "value \"%s\" must be between 300 and 599", word.Text)
		return 0, false
	}
	return int(n), true
}

// overrideOf returns the status of an error page; clients do not see nginx's own statuses.
func overrideOf(status, override int) int {
	if override == web.KeepStatus && 494 <= status && status <= 497 {
		return 400
	}
	return override
}
