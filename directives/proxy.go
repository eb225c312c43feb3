package directives

import (
	"math"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/mqtt"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/modules/proxy"
)

// proxyMain holds every proxy_pass of stream {} to a fixed destination, to be resolved at its end.
type proxyMain struct {
	passes []*passUse
}

// proxyConf holds the proxy settings of one level.
type proxyConf struct {
	pass           *passUse // of a server
	bind           conf.Opt[bindUse]
	bindDynamic    conf.Opt[bool]
	sessionDrop    conf.Opt[bool]
	connectTimeout conf.Opt[time.Duration]
	timeout        conf.Opt[time.Duration]
	bufferSize     conf.Opt[int64]
	download       conf.Opt[proxy.Rate]
	upload         conf.Opt[proxy.Rate]
	halfClose      conf.Opt[bool]
	nextUpstream   conf.Opt[bool]
	nextTimeout    conf.Opt[time.Duration]
	nextTries      conf.Opt[int64]
	protocol       conf.Opt[proxy.Protocol]
	keepAlive      conf.Opt[bool]
	rcvBuf         conf.Opt[int64]
	sndBuf         conf.Opt[int64]
	requests       conf.Opt[int64]
	responses      conf.Opt[int64]
	ssl            proxySSLConf
	disconnect     conf.Opt[*proxy.Disconnect]
	disconnectCall *conf.Call // of this level
}

// A bindUse is a proxy_bind; without an address it means off.
type bindUse struct {
	addr        *stream.Template
	transparent bool
}

// proxyModule is ngx_stream_proxy_module.
var proxyModule = &streamModule[proxyMain, proxyConf]{
	Name: "ngx_stream_proxy_module",
	Server: append([]conf.Entry[proxyConf]{
		{Name: "proxy_pass", In: conf.Server, Args: conf.Take(1), Repeat: true, Set: (*proxyConf).setPass},
		{Name: "proxy_bind", In: either, Args: conf.Take(1, 2), Set: (*proxyConf).setBind},
		{Name: "proxy_buffer_size", In: either, Args: conf.Take(1), Default: "16k", Set: (*proxyConf).setBufferSize},
		{Name: "proxy_connect_timeout", In: either, Args: conf.Take(1), Default: "60s",
			Set: conf.Msec(func(c *proxyConf) *conf.Opt[time.Duration] { return &c.connectTimeout })},
		{Name: "proxy_download_rate", In: either, Args: conf.Take(1), Default: "0",
			Set: setRate(func(c *proxyConf) *conf.Opt[proxy.Rate] { return &c.download })},
		{Name: "proxy_half_close", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.halfClose })},
		{Name: "proxy_next_upstream", In: either, Args: conf.OnOff, Default: "on",
			Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.nextUpstream })},
		{Name: "proxy_next_upstream_timeout", In: either, Args: conf.Take(1), Default: "0",
			Set: conf.Msec(func(c *proxyConf) *conf.Opt[time.Duration] { return &c.nextTimeout })},
		{Name: "proxy_next_upstream_tries", In: either, Args: conf.Take(1), Default: "0",
			Set: conf.Number(func(c *proxyConf) *conf.Opt[int64] { return &c.nextTries })},
		{Name: "proxy_protocol", In: either, Args: conf.OnOff, Default: "off", Set: (*proxyConf).setProtocol},
		{Name: "proxy_socket_keepalive", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.keepAlive })},
		{Name: "proxy_socket_rcvbuf", In: either, Args: conf.Take(1),
			Set: conf.Size(func(c *proxyConf) *conf.Opt[int64] { return &c.rcvBuf })},
		{Name: "proxy_socket_sndbuf", In: either, Args: conf.Take(1),
			Set: conf.Size(func(c *proxyConf) *conf.Opt[int64] { return &c.sndBuf })},
		{Name: "proxy_timeout", In: either, Args: conf.Take(1), Default: "10m",
			Set: conf.Msec(func(c *proxyConf) *conf.Opt[time.Duration] { return &c.timeout })},
		{Name: "proxy_upload_rate", In: either, Args: conf.Take(1), Default: "0",
			Set: setRate(func(c *proxyConf) *conf.Opt[proxy.Rate] { return &c.upload })},
		{Name: "proxy_downstream_buffer", In: either, Args: conf.Take(1), Repeat: true, Set: (*proxyConf).oldBufferSize},
		{Name: "proxy_upstream_buffer", In: either, Args: conf.Take(1), Repeat: true, Set: (*proxyConf).oldBufferSize},
		{Name: "proxy_bind_dynamic", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.bindDynamic })},
		{Name: "proxy_requests", In: either, Args: conf.Take(1), Default: "0",
			Set: conf.Number(func(c *proxyConf) *conf.Opt[int64] { return &c.requests })},
		{Name: "proxy_responses", In: either, Args: conf.Take(1),
			Set: conf.Number(func(c *proxyConf) *conf.Opt[int64] { return &c.responses })},
		{Name: "proxy_session_drop", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.sessionDrop })},
		{Name: "fleet_disconnect", In: either, Args: conf.Take(1, 2), Default: "off", Extension: true, Set: (*proxyConf).setDisconnect},
	}, proxySSLEntries...),
	Init:     (*proxyMain).init,
	Merge:    (*proxyConf).merge,
	Complete: func(c *proxyConf, b *streamBuild, _ *conf.Level) { c.ssl.complete(b) },
}

// setBufferSize sets the size of buffers, by the current name or an old one: together they are one
// directive.
func (c *proxyConf) setBufferSize(call *conf.Call) {
	if c.bufferSize.IsSet() {
		call.FailValue("is duplicate")
		return
	}
	conf.Size(func(c *proxyConf) *conf.Opt[int64] { return &c.bufferSize })(c, call)
}

// oldBufferSize is setBufferSize with a warning about the name, which as in nginx comes last.
func (c *proxyConf) oldBufferSize(call *conf.Call) {
	repeated := c.bufferSize.IsSet()
	c.setBufferSize(call)
	if c.bufferSize.IsSet() && !repeated {
		call.Warn(nil, "the \"%s\" directive is deprecated, use the \"proxy_buffer_size\" directive instead", call.Dir.Name.Text)
	}
}

func (c *proxyConf) setProtocol(call *conf.Call) {
	switch strings.ToLower(call.Arg(0)) {
	case "off":
		c.protocol.Set(proxy.Off)
	case "on":
		c.protocol.Set(proxy.V1)
	case "v2":
		c.protocol.Set(proxy.V2)
	default:
		call.Fail(&call.Args()[0], "invalid value \"%s\"", call.Arg(0))
	}
}

// setRate is the setter of a rate, which may contain variables.
func setRate(field func(*proxyConf) *conf.Opt[proxy.Rate]) func(*proxyConf, *conf.Call) {
	return func(c *proxyConf, call *conf.Call) {
		t, ok := parseTemplate(call, &call.Args()[0])
		if !ok {
			return
		}
		if t.HasVariables() {
			field(c).Set(proxy.Rate{Variable: &t, Parse: conf.ParseSize})
			return
		}
		n, ok := conf.ParseSize(t.Text())
		if !ok {
			call.FailValue("invalid value")
			return
		}
		field(c).Set(proxy.Rate{Fixed: n})
	}
}

// setBind follows ngx_stream_proxy_bind.
func (c *proxyConf) setBind(call *conf.Call) {
	args := call.Args()
	if len(args) == 1 && args[0].Text == "off" {
		c.bind.Set(bindUse{})
		return
	}
	t, ok := parseTemplate(call, &args[0])
	if !ok {
		return
	}
	if _, err := proxy.ParseLocal(t.Text()); err != nil && !t.HasVariables() {
		call.Fail(&args[0], "invalid address \"%s\"", t.Text())
		return
	}
	if len(args) == 2 && args[1].Text != "transparent" {
		call.Fail(&args[1], "invalid parameter \"%s\"", args[1].Text)
		return
	}
	c.bind.Set(bindUse{&t, len(args) == 2})
	if len(args) == 2 {
		conf.At[coreConf](call.Compiler().Main).transparent = true
	}
}

// setDisconnect sets fleet_disconnect on [reference=ADDRESS] or off.
func (c *proxyConf) setDisconnect(call *conf.Call) {
	args := call.Args()
	switch {
	case args[0].Text == "off" && len(args) == 1:
		c.disconnect.Set(nil)
		return
	case args[0].Text == "off":
		call.Fail(&args[1], "invalid parameter \"%s\"", args[1].Text)
		return
	case args[0].Text != "on":
		call.Fail(&args[0], "invalid value \"%s\" in \"fleet_disconnect\" directive, it must be \"on\" or \"off\"", args[0].Text)
		return
	}
	reference := ""
	if len(args) == 2 {
		var ok bool
		reference, ok = strings.CutPrefix(args[1].Text, "reference=")
		if !ok || reference == "" || len(reference) > mqtt.MaxReference || mqtt.CheckText(reference) != nil {
			call.Fail(&args[1], "invalid parameter \"%s\"", args[1].Text)
			return
		}
	}
	c.disconnect.Set(proxy.NewDisconnect(reference))
	c.disconnectCall = call
}

// warnOfDisconnect warns if the server does not read the CONNECT of its clients.
func (c *proxyConf) warnOfDisconnect(s *serverBuild) {
	reads := conf.At[mqttPrereadConf](s.level).on.Or(false) || conf.At[mqttFilterConf](s.level).on.Or(false)
	if c.disconnectCall != nil && !reads {
		c.disconnectCall.Warn(nil, "\"fleet_disconnect\" has no effect: \"mqtt_preread\" and \"mqtt\" are off")
	}
}

func (c *proxyConf) merge(child *proxyConf) {
	child.bind.Inherit(c.bind)
	child.bindDynamic.Inherit(c.bindDynamic)
	child.sessionDrop.Inherit(c.sessionDrop)
	child.connectTimeout.Inherit(c.connectTimeout)
	child.timeout.Inherit(c.timeout)
	child.bufferSize.Inherit(c.bufferSize)
	child.download.Inherit(c.download)
	child.upload.Inherit(c.upload)
	child.halfClose.Inherit(c.halfClose)
	child.nextUpstream.Inherit(c.nextUpstream)
	child.nextTimeout.Inherit(c.nextTimeout)
	child.nextTries.Inherit(c.nextTries)
	child.protocol.Inherit(c.protocol)
	child.keepAlive.Inherit(c.keepAlive)
	child.rcvBuf.Inherit(c.rcvBuf)
	child.sndBuf.Inherit(c.sndBuf)
	child.requests.Inherit(c.requests)
	child.responses.Inherit(c.responses)
	child.disconnect.Inherit(c.disconnect)
	c.ssl.merge(&child.ssl)
}

func (c *proxyConf) content(s *serverBuild) stream.Content {
	bind := c.bind.Or(bindUse{})
	tls := c.ssl.settings()
	if tls != nil {
		c.pass.noteTLS(s)
	}
	c.warnOfDisconnect(s)
	return &proxy.Content{
		To:             c.pass.destination(s),
		Bind:           bind.addr,
		Transparent:    bind.transparent,
		BindDynamic:    c.bindDynamic.Or(false),
		SessionDrop:    c.sessionDrop.Or(false),
		Disconnect:     c.disconnect.Or(nil),
		ConnectTimeout: c.connectTimeout.Or(60 * time.Second),
		NextUpstream:   c.nextUpstream.Or(true),
		NextTries:      conf.Int(c.nextTries.Or(0)),
		NextTimeout:    c.nextTimeout.Or(0),
		Protocol:       c.protocol.Or(proxy.Off),
		TLS:            tls,
		KeepAlive:      c.keepAlive.Or(false),
		RcvBuf:         conf.Int(c.rcvBuf.Or(0)),
		SndBuf:         conf.Int(c.sndBuf.Or(0)),
		Upload:         c.upload.Or(proxy.Rate{}),
		Download:       c.download.Or(proxy.Rate{}),
		Relay:          c.relay(s),
	}
}

func (c *proxyConf) relay(s *serverBuild) *relay.Spec {
	return &relay.Spec{
		Timeout:    max(c.timeout.Or(10*time.Minute), 1), // zero ends a relay immediately
		BufferSize: max(conf.Int(c.bufferSize.Or(16<<10)), 1),
		Upload:     c.upload.Or(proxy.Rate{}).Fixed,
		Download:   c.download.Or(proxy.Rate{}).Fixed,
		HalfClose:  c.halfClose.Or(false),
		FirstByte:  s.config.Vars.Uses("upstream_first_byte_time") || c.pass.needsFirstByte(s),
		Requests:   conf.Int(c.requests.Or(0)),
		Responses:  c.answers(),
	}
}

// answers is the number of response datagrams to one request. Unset means any number, and so does
// nginx's largest number, which is its value for unset.
func (c *proxyConf) answers() int {
	if n := c.responses.Or(math.MaxInt32); n != math.MaxInt32 {
		return conf.Int(n)
	}
	return -1
}
