package directives

import (
	"crypto/tls"
	"slices"

	"weir/directives/conf"
	"weir/internal/certverify"
	"weir/internal/tlsconf"
	"weir/parser/diag"
	"weir/stream"
	"weir/stream/modules/proxy"
)

// proxySSLConf holds the settings of one level for TLS to the servers.
type proxySSLConf struct {
	tlsConf     // shared with ssl
	enabled     conf.Opt[bool]
	verify      conf.Opt[bool]
	reuse       conf.Opt[bool]
	sendName    conf.Opt[bool]
	name        conf.Opt[*stream.Template]
	certificate conf.Opt[*stream.Template]
	key         conf.Opt[*stream.Template]
	alpn        []stream.Template
	cache       conf.Opt[*tlsconf.CertificateCache] // nil for off

	loadedBy *proxySSLConf // the level whose files are used; nil means this one
	loaded   *loadedSSL
}

// loadedSSL is made of the files of a level. Servers that inherit them share it.
type loadedSSL struct {
	client   *tlsconf.Client
	verifier *tlsconf.Verifier
	loader   *tlsLoader
}

// proxySSLEntries are the directives for TLS to the server.
var proxySSLEntries = []conf.Entry[proxyConf]{
	{Name: "proxy_ssl", In: either, Args: conf.OnOff, Default: "off",
		Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.ssl.enabled })},
	{Name: "proxy_ssl_alpn", In: either, Args: conf.AtLeast(1), Set: setSSL((*proxySSLConf).setALPN)},
	{Name: "proxy_ssl_certificate", In: either, Args: conf.Take(1),
		Set: setTemplate(func(c *proxyConf) *conf.Opt[*stream.Template] { return &c.ssl.certificate })},
	{Name: "proxy_ssl_certificate_cache", In: either, Args: conf.Take(1, 2, 3), Default: "off", Set: setSSL((*proxySSLConf).setCache)},
	{Name: "proxy_ssl_certificate_key", In: either, Args: conf.Take(1),
		Set: setTemplate(func(c *proxyConf) *conf.Opt[*stream.Template] { return &c.ssl.key })},
	{Name: "proxy_ssl_ciphers", In: either, Args: conf.Take(1), Default: "DEFAULT",
		Set: conf.String(func(c *proxyConf) *conf.Opt[string] { return &c.ssl.ciphers })},
	{Name: "proxy_ssl_conf_command", In: either, Args: conf.Take(2), Repeat: true,
		Set: func(c *proxyConf, call *conf.Call) { c.ssl.addCommand(call) }},
	{Name: "proxy_ssl_crl", In: either, Args: conf.Take(1),
		Set: conf.String(func(c *proxyConf) *conf.Opt[string] { return &c.ssl.crl })},
	{Name: "proxy_ssl_key_log", In: either, Args: conf.Take(1),
		Set: conf.String(func(c *proxyConf) *conf.Opt[string] { return &c.ssl.keyLog })},
	{Name: "proxy_ssl_name", In: either, Args: conf.Take(1), Default: "host from proxy_pass",
		Set: setTemplate(func(c *proxyConf) *conf.Opt[*stream.Template] { return &c.ssl.name })},
	{Name: "proxy_ssl_password_file", In: either, Args: conf.Take(1),
		Set: func(c *proxyConf, call *conf.Call) { c.ssl.readPasswords(call) }},
	{Name: "proxy_ssl_protocols", In: either, Args: conf.AtLeast(1), Default: "TLSv1.2 TLSv1.3", Repeat: true,
		Set: func(c *proxyConf, call *conf.Call) { c.ssl.setProtocols(call) }},
	{Name: "proxy_ssl_server_name", In: either, Args: conf.OnOff, Default: "off",
		Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.ssl.sendName })},
	{Name: "proxy_ssl_session_reuse", In: either, Args: conf.OnOff, Default: "on",
		Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.ssl.reuse })},
	{Name: "proxy_ssl_trusted_certificate", In: either, Args: conf.Take(1),
		Set: conf.String(func(c *proxyConf) *conf.Opt[string] { return &c.ssl.trusted })},
	{Name: "proxy_ssl_verify", In: either, Args: conf.OnOff, Default: "off",
		Set: conf.Flag(func(c *proxyConf) *conf.Opt[bool] { return &c.ssl.verify })},
	{Name: "proxy_ssl_verify_depth", In: either, Args: conf.Take(1), Default: "1",
		Set: conf.Number(func(c *proxyConf) *conf.Opt[int64] { return &c.ssl.depth })},
}

func setSSL(set func(*proxySSLConf, *conf.Call)) func(*proxyConf, *conf.Call) {
	return func(c *proxyConf, call *conf.Call) { set(&c.ssl, call) }
}

// setTemplate is the setter of a string with variables.
func setTemplate(field func(*proxyConf) *conf.Opt[*stream.Template]) func(*proxyConf, *conf.Call) {
	return func(c *proxyConf, call *conf.Call) {
		if t, ok := parseTemplate(call, &call.Args()[0]); ok {
			field(c).Set(&t)
		}
	}
}

// setALPN follows ngx_stream_proxy_ssl_alpn_set_slot.
func (c *proxySSLConf) setALPN(call *conf.Call) {
	for i := range call.Args() {
		t, ok := parseTemplate(call, &call.Args()[i])
		if !ok {
			return
		}
		if !t.HasVariables() && len(t.Text()) > tlsconf.MaxALPN {
			call.FailValue("protocol too long")
			return
		}
		c.alpn = append(c.alpn, t)
	}
}

// merge completes the settings of a server from those of the block around it. A server without own
// settings of certificates, ciphers and sessions uses what has been loaded for that block: see
// ngx_stream_proxy_merge_ssl.
func (c *proxySSLConf) merge(child *proxySSLConf) {
	if !child.hasOwnFiles() {
		child.loadedBy = c
	}
	c.mergeTLS(&child.tlsConf)
	child.enabled.Inherit(c.enabled)
	child.verify.Inherit(c.verify)
	child.reuse.Inherit(c.reuse)
	child.sendName.Inherit(c.sendName)
	child.name.Inherit(c.name)
	child.certificate.Inherit(c.certificate)
	child.key.Inherit(c.key)
	if child.alpn == nil {
		child.alpn = c.alpn
	}
	child.cache.Inherit(c.cache)
}

func (c *proxySSLConf) hasOwnFiles() bool {
	return c.protocols.IsSet() || c.ciphers.IsSet() || c.certificate.IsSet() || c.key.IsSet() || c.hasPasswords || c.verify.IsSet() ||
		c.depth.IsSet() || c.trusted.IsSet() || c.crl.IsSet() || c.reuse.IsSet() || c.commands != nil ||
		c.keyLog.IsSet()
}

// complete reads the files of a server.
func (c *proxySSLConf) complete(b *streamBuild) {
	if !c.enabled.Or(false) {
		return
	}
	from := c
	if c.loadedBy != nil {
		from = c.loadedBy
	}
	if from.loaded == nil {
		from.loaded = c.load(b)
	}
	c.loaded = from.loaded
}

// load follows ngx_stream_proxy_set_ssl.
func (c *proxySSLConf) load(b *streamBuild) *loadedSSL {
	l := newTLSLoader(b.Compiler, b.block)
	loaded := &loadedSSL{loader: l}
	settings := tlsconf.Settings{
		Protocols: c.protocols.Or(tlsconf.DefaultProtocols), Ciphers: c.ciphers.Or("DEFAULT"), Groups: tlsconf.AutoGroups, Commands: c.commands,
		KeyLog: c.keyLogOf(b.Compiler),
	}
	l.run(
		func() { l.level(settings.Ciphers) },
		func() { settings.Certificates = c.fixedCertificate(l) },
		func() { loaded.verifier = c.verifier(l) },
		func() { loaded.client = l.client(settings) },
	)
	return loaded
}

// client makes the settings of connections to servers.
func (l *tlsLoader) client(s tlsconf.Settings) *tlsconf.Client {
	client, warnings, err := tlsconf.NewClient(s)
	if !l.check(err) {
		return nil
	}
	for _, w := range warnings {
		l.ReportBare(diag.Warn, "%s", w)
	}
	return client
}

// fixedCertificate loads a certificate without variables.
func (c *proxySSLConf) fixedCertificate(l *tlsLoader) []tls.Certificate {
	file, key := c.certificate.Or(nil), c.key.Or(nil)
	switch {
	case !c.hasCertificate():
		return nil
	case key == nil:
		l.ReportBare(diag.Emerg, "no \"proxy_ssl_certificate_key\" is defined for certificate \"%s\"", file.Text())
		return nil
	case c.hasVariableCertificate():
		return nil
	}
	loaded, err := l.files.Certificate(l.path(file.Text()), l.path(key.Text()), c.passwords, l.securityLevel)
	if !l.check(err) {
		return nil
	}
	return []tls.Certificate{loaded}
}

func (c *proxySSLConf) hasCertificate() bool {
	file := c.certificate.Or(nil)
	return file != nil && (file.Text() != "" || file.HasVariables())
}

// hasVariableCertificate reports whether sessions load the certificate.
func (c *proxySSLConf) hasVariableCertificate() bool {
	return c.hasCertificate() && c.key.IsSet() && (c.certificate.Or(nil).HasVariables() || c.key.Or(nil).HasVariables())
}

// verifier loads the certificates that servers are verified with.
func (c *proxySSLConf) verifier(l *tlsLoader) *tlsconf.Verifier {
	if !c.verify.Or(false) {
		return nil
	}
	if c.trusted.Or("") == "" {
		l.fail("no proxy_ssl_trusted_certificate for proxy_ssl_verify")
		return nil
	}
	return l.verifier(l.authorities(c.trusted.Or("")), l.revocations(c.crl.Or("")), certverify.ForServers, c.depth.Or(1))
}

// settings returns the settings of a server's sessions; nil without proxy_ssl.
func (c *proxySSLConf) settings() *proxy.TLS {
	if c.loaded == nil {
		return nil
	}
	t := &proxy.TLS{
		Client: c.loaded.client, Verifier: c.loaded.verifier, Name: c.name.Or(nil), SendName: c.sendName.Or(false),
		Reuse: c.reuse.Or(true),
	}
	if slices.ContainsFunc(c.alpn, stream.Template.HasVariables) {
		t.ALPN = c.alpn
	} else {
		t.FixedALPN = fixedNames(c.alpn)
	}
	if c.hasVariableCertificate() {
		load := c.loaded.loader.connectionCertificate(c.passwords, c.cache.Or(nil))
		t.Certificate = &proxy.Certificate{File: *c.certificate.Or(nil), Key: *c.key.Or(nil), Load: load}
	}
	return t
}

// fixedNames returns the names of protocols that have no variables. An empty one is not sent.
func fixedNames(all []stream.Template) (names []string) {
	for i := range all {
		if name := all[i].Text(); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// setCache follows ngx_stream_proxy_ssl_certificate_cache.
func (c *proxySSLConf) setCache(call *conf.Call) {
	if cache, ok := certificateCache(call); ok {
		c.cache.Set(cache)
	}
}
