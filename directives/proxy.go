package directives

import (
	"math"
	"strings"
	"time"

	"weir/directives/spec"
	"weir/stream"
	"weir/stream/proxy"
	"weir/stream/relay"
)

// proxyConf holds the settings of proxying at one level.
type proxyConf struct {
	passes []*passUse // of stream {}: every proxy_pass to a fixed place, to be resolved at its end

	pass           *passUse // of a server
	bind           spec.Opt[bindUse]
	bindDynamic    spec.Opt[bool]
	sessionDrop    spec.Opt[bool]
	connectTimeout spec.Opt[time.Duration]
	timeout        spec.Opt[time.Duration]
	bufferSize     spec.Opt[int64]
	download       spec.Opt[proxy.Rate]
	upload         spec.Opt[proxy.Rate]
	halfClose      spec.Opt[bool]
	nextUpstream   spec.Opt[bool]
	nextTimeout    spec.Opt[time.Duration]
	nextTries      spec.Opt[int64]
	protocol       spec.Opt[proxy.Protocol]
	keepAlive      spec.Opt[bool]
	rcvBuf         spec.Opt[int64]
	sndBuf         spec.Opt[int64]
	requests       spec.Opt[int64]
	responses      spec.Opt[int64]
}

// A bindUse is a proxy_bind; without an address it is off.
type bindUse struct {
	addr        *stream.Template
	transparent bool
}

// either is where most of the module's directives may stand.
const either = spec.Stream | spec.Server

// proxyModule is ngx_stream_proxy_module.
var proxyModule = &spec.Module[proxyConf]{
	Name: "ngx_stream_proxy_module",
	Entries: append([]spec.Entry[proxyConf]{
		{Name: "proxy_pass", In: spec.Server, Args: spec.Take(1), Repeat: true, Set: (*proxyConf).setPass},
		{Name: "proxy_bind", In: either, Args: spec.Take(1, 2), Set: (*proxyConf).setBind},
		{Name: "proxy_buffer_size", In: either, Args: spec.Take(1), Default: "16k", Set: (*proxyConf).setBufferSize},
		{Name: "proxy_connect_timeout", In: either, Args: spec.Take(1), Default: "60s",
			Set: spec.Msec(func(c *proxyConf) *spec.Opt[time.Duration] { return &c.connectTimeout })},
		{Name: "proxy_download_rate", In: either, Args: spec.Take(1), Default: "0",
			Set: setRate(func(c *proxyConf) *spec.Opt[proxy.Rate] { return &c.download })},
		{Name: "proxy_half_close", In: either, Args: spec.OnOff, Default: "off",
			Set: spec.Flag(func(c *proxyConf) *spec.Opt[bool] { return &c.halfClose })},
		{Name: "proxy_next_upstream", In: either, Args: spec.OnOff, Default: "on",
			Set: spec.Flag(func(c *proxyConf) *spec.Opt[bool] { return &c.nextUpstream })},
		{Name: "proxy_next_upstream_timeout", In: either, Args: spec.Take(1), Default: "0",
			Set: spec.Msec(func(c *proxyConf) *spec.Opt[time.Duration] { return &c.nextTimeout })},
		{Name: "proxy_next_upstream_tries", In: either, Args: spec.Take(1), Default: "0",
			Set: spec.Number(func(c *proxyConf) *spec.Opt[int64] { return &c.nextTries })},
		{Name: "proxy_protocol", In: either, Args: spec.OnOff, Default: "off", Set: (*proxyConf).setProtocol},
		{Name: "proxy_socket_keepalive", In: either, Args: spec.OnOff, Default: "off",
			Set: spec.Flag(func(c *proxyConf) *spec.Opt[bool] { return &c.keepAlive })},
		{Name: "proxy_socket_rcvbuf", In: either, Args: spec.Take(1),
			Set: spec.Size(func(c *proxyConf) *spec.Opt[int64] { return &c.rcvBuf })},
		{Name: "proxy_socket_sndbuf", In: either, Args: spec.Take(1),
			Set: spec.Size(func(c *proxyConf) *spec.Opt[int64] { return &c.sndBuf })},
		{Name: "proxy_timeout", In: either, Args: spec.Take(1), Default: "10m",
			Set: spec.Msec(func(c *proxyConf) *spec.Opt[time.Duration] { return &c.timeout })},
		{Name: "proxy_upload_rate", In: either, Args: spec.Take(1), Default: "0",
			Set: setRate(func(c *proxyConf) *spec.Opt[proxy.Rate] { return &c.upload })},
		{Name: "proxy_downstream_buffer", In: either, Args: spec.Take(1), Repeat: true, Set: (*proxyConf).oldBufferSize},
		{Name: "proxy_upstream_buffer", In: either, Args: spec.Take(1), Repeat: true, Set: (*proxyConf).oldBufferSize},
		{Name: "proxy_bind_dynamic", In: either, Args: spec.OnOff, Default: "off",
			Set: spec.Flag(func(c *proxyConf) *spec.Opt[bool] { return &c.bindDynamic })},
		{Name: "proxy_requests", In: either, Args: spec.Take(1), Default: "0",
			Set: spec.Number(func(c *proxyConf) *spec.Opt[int64] { return &c.requests })},
		{Name: "proxy_responses", In: either, Args: spec.Take(1),
			Set: spec.Number(func(c *proxyConf) *spec.Opt[int64] { return &c.responses })},
		{Name: "proxy_session_drop", In: either, Args: spec.OnOff, Default: "off",
			Set: spec.Flag(func(c *proxyConf) *spec.Opt[bool] { return &c.sessionDrop })},
	}, proxySSLEntries...),
	Init:  (*proxyConf).init,
	Merge: (*proxyConf).merge,
}

// proxySSLEntries are the directives for TLS to the server.
var proxySSLEntries = []spec.Entry[proxyConf]{
	{Name: "proxy_ssl", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
	{Name: "proxy_ssl_alpn", In: either, Args: spec.AtLeast(1), Support: spec.Refused},
	{Name: "proxy_ssl_certificate", In: either, Args: spec.Take(1), Support: spec.Refused},
	{Name: "proxy_ssl_certificate_cache", In: either, Args: spec.Take(1, 2, 3), Default: "off", Support: spec.Refused},
	{Name: "proxy_ssl_certificate_key", In: either, Args: spec.Take(1), Support: spec.Refused},
	{Name: "proxy_ssl_ciphers", In: either, Args: spec.Take(1), Default: "DEFAULT", Support: spec.Refused},
	{Name: "proxy_ssl_conf_command", In: either, Args: spec.Take(2), Repeat: true, Support: spec.Refused},
	{Name: "proxy_ssl_crl", In: either, Args: spec.Take(1), Support: spec.Refused},
	{Name: "proxy_ssl_key_log", In: either, Args: spec.Take(1), Support: spec.Refused},
	{Name: "proxy_ssl_name", In: either, Args: spec.Take(1), Default: "host from proxy_pass", Support: spec.Refused},
	{Name: "proxy_ssl_password_file", In: either, Args: spec.Take(1), Support: spec.Refused},
	{Name: "proxy_ssl_protocols", In: either, Args: spec.AtLeast(1), Default: "TLSv1.2 TLSv1.3", Support: spec.Refused},
	{Name: "proxy_ssl_server_name", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
	{Name: "proxy_ssl_session_reuse", In: either, Args: spec.OnOff, Default: "on", Support: spec.Refused},
	{Name: "proxy_ssl_trusted_certificate", In: either, Args: spec.Take(1), Support: spec.Refused},
	{Name: "proxy_ssl_verify", In: either, Args: spec.OnOff, Default: "off", Support: spec.Refused},
	{Name: "proxy_ssl_verify_depth", In: either, Args: spec.Take(1), Default: "1", Support: spec.Refused},
}

// setBufferSize sets the size of buffers, by the present name or an old one: together they are one directive.
func (c *proxyConf) setBufferSize(call *spec.Call) {
	if c.bufferSize.IsSet() {
		call.FailValue("is duplicate")
		return
	}
	spec.Size(func(c *proxyConf) *spec.Opt[int64] { return &c.bufferSize })(c, call)
}

// oldBufferSize is setBufferSize with a word about the name, which as in nginx comes last.
func (c *proxyConf) oldBufferSize(call *spec.Call) {
	repeated := c.bufferSize.IsSet()
	c.setBufferSize(call)
	if c.bufferSize.IsSet() && !repeated {
		call.Warn(nil, "the \"%s\" directive is deprecated, use the \"proxy_buffer_size\" directive instead", call.Dir.Name.Text)
	}
}

func (c *proxyConf) setProtocol(call *spec.Call) {
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

// setRate is the setter of a rate, which may hold variables.
func setRate(field func(*proxyConf) *spec.Opt[proxy.Rate]) func(*proxyConf, *spec.Call) {
	return func(c *proxyConf, call *spec.Call) {
		t, ok := call.Template(&call.Args()[0])
		if !ok {
			return
		}
		if t.HasVariables() {
			field(c).Set(proxy.Rate{Variable: &t, Parse: spec.ParseSize})
			return
		}
		n, ok := spec.ParseSize(t.Text())
		if !ok {
			call.FailValue("invalid value")
			return
		}
		field(c).Set(proxy.Rate{Fixed: n})
	}
}

// setBind follows ngx_stream_proxy_bind.
func (c *proxyConf) setBind(call *spec.Call) {
	args := call.Args()
	if len(args) == 1 && args[0].Text == "off" {
		c.bind.Set(bindUse{})
		return
	}
	t, ok := call.Template(&args[0])
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
}

func (c *proxyConf) content(s *spec.Scope) stream.Content {
	bind := c.bind.Or(bindUse{})
	return &proxy.Content{
		To:             c.pass.destination(s),
		Bind:           bind.addr,
		Transparent:    bind.transparent,
		BindDynamic:    c.bindDynamic.Or(false),
		SessionDrop:    c.sessionDrop.Or(false),
		ConnectTimeout: c.connectTimeout.Or(60 * time.Second),
		NextUpstream:   c.nextUpstream.Or(true),
		NextTries:      spec.Int(c.nextTries.Or(0)),
		NextTimeout:    c.nextTimeout.Or(0),
		Protocol:       c.protocol.Or(proxy.Off),
		KeepAlive:      c.keepAlive.Or(false),
		RcvBuf:         spec.Int(c.rcvBuf.Or(0)),
		SndBuf:         spec.Int(c.sndBuf.Or(0)),
		Upload:         c.upload.Or(proxy.Rate{}),
		Download:       c.download.Or(proxy.Rate{}),
		Relay:          c.relay(s),
	}
}

func (c *proxyConf) relay(s *spec.Scope) *relay.Spec {
	return &relay.Spec{
		Timeout:    max(c.timeout.Or(10*time.Minute), 1), // zero ends a relay at once
		BufferSize: max(spec.Int(c.bufferSize.Or(16<<10)), 1),
		Upload:     c.upload.Or(proxy.Rate{}).Fixed,
		Download:   c.download.Or(proxy.Rate{}).Fixed,
		HalfClose:  c.halfClose.Or(false),
		FirstByte:  s.Config.Vars.Uses("upstream_first_byte_time") || c.pass.needsFirstByte(s),
		Requests:   spec.Int(c.requests.Or(0)),
		Responses:  c.answers(),
	}
}

// answers is how many datagrams answer one. Unset stands for any number, and so does nginx's own largest, which is what unset is there.
func (c *proxyConf) answers() int {
	if n := c.responses.Or(math.MaxInt32); n != math.MaxInt32 {
		return spec.Int(n)
	}
	return -1
}
