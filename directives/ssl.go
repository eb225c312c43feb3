package directives

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/certverify"
	"weir/internal/tlsconf"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
	"weir/stream/modules/ssl"
)

// sslConf holds the TLS settings of one level.
type sslConf struct {
	tlsConf          // shared with proxy_ssl
	certificates     []parser.Word
	keys             []parser.Word
	certificateCache conf.Opt[*tlsconf.CertificateCache]
	clientCAs        conf.Opt[string]
	verify           conf.Opt[tlsconf.VerifyMode]
	handshakeTimeout conf.Opt[time.Duration]
	sessionTimeout   conf.Opt[time.Duration]
	tickets          conf.Opt[bool]
	ticketKeys       []string
	reject           conf.Opt[bool]
	alpn             []string
	curves           conf.Opt[string]
	dhparam          conf.Opt[string]
	compression      conf.Opt[bool]
	ocsp             ocspConf

	server *stream.ServerTLS // once complete; nil without certificates
}

// sslModule is ngx_stream_ssl_module.
var sslModule = &streamModule[none, sslConf]{
	Name: "ngx_stream_ssl_module",
	Server: []conf.Entry[sslConf]{
		{Name: "ssl_alpn", In: either, Args: conf.AtLeast(1), Set: (*sslConf).setALPN},
		{Name: "ssl_certificate", In: either, Args: conf.Take(1), Repeat: true,
			Set: func(c *sslConf, call *conf.Call) { c.certificates = append(c.certificates, call.Args()[0]) }},
		{Name: "ssl_certificate_cache", In: either, Args: conf.Take(1, 2, 3), Default: "off",
			Set: (*sslConf).setCertificateCache},
		{Name: "ssl_certificate_compression", In: either, Args: conf.OnOff, Default: "off", Support: conf.Inert,
			Set: conf.Flag(func(c *sslConf) *conf.Opt[bool] { return &c.compression })},
		{Name: "ssl_certificate_key", In: either, Args: conf.Take(1), Repeat: true,
			Set: func(c *sslConf, call *conf.Call) { c.keys = append(c.keys, call.Args()[0]) }},
		{Name: "ssl_ciphers", In: either, Args: conf.Take(1), Default: "HIGH:!aNULL:!MD5",
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.ciphers })},
		{Name: "ssl_client_certificate", In: either, Args: conf.Take(1),
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.clientCAs })},
		{Name: "ssl_conf_command", In: either, Args: conf.Take(2), Repeat: true,
			Set: func(c *sslConf, call *conf.Call) { c.addCommand(call) }},
		{Name: "ssl_crl", In: either, Args: conf.Take(1), Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.crl })},
		{Name: "ssl_dhparam", In: either, Args: conf.Take(1), Support: conf.Inert,
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.dhparam })},
		{Name: "ssl_ecdh_curve", In: either, Args: conf.Take(1), Default: "auto",
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.curves })},
		{Name: "ssl_ech_file", In: either, Args: conf.Take(1), Support: conf.Refused},
		{Name: "ssl_handshake_timeout", In: either, Args: conf.Take(1), Default: "60s",
			Set: conf.Msec(func(c *sslConf) *conf.Opt[time.Duration] { return &c.handshakeTimeout })},
		{Name: "ssl_key_log", In: either, Args: conf.Take(1), Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.keyLog })},
		{Name: "ssl_ocsp", In: either, Args: conf.Take(1), Default: "off",
			Set: conf.Enum(func(c *sslConf) *conf.Opt[ocspMode] { return &c.ocsp.mode }, ocspModes)},
		{Name: "ssl_ocsp_cache", In: either, Args: conf.Take(1), Default: "off",
			Set: func(c *sslConf, call *conf.Call) { c.ocsp.setCache(call) }},
		{Name: "ssl_ocsp_responder", In: either, Args: conf.Take(1),
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.ocsp.responder })},
		{Name: "ssl_password_file", In: either, Args: conf.Take(1), Set: func(c *sslConf, call *conf.Call) { c.readPasswords(call) }},
		{Name: "ssl_prefer_server_ciphers", In: either, Args: conf.OnOff, Default: "off", Support: conf.Inert,
			Set: conf.Flag(ignore[sslConf, bool])},
		{Name: "ssl_protocols", In: either, Args: conf.AtLeast(1), Default: "TLSv1.2 TLSv1.3", Repeat: true,
			Set: func(c *sslConf, call *conf.Call) { c.setProtocols(call) }},
		{Name: "ssl_reject_handshake", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *sslConf) *conf.Opt[bool] { return &c.reject })},
		{Name: "ssl_session_cache", In: either, Args: conf.Take(1, 2), Default: "none", Repeat: true, Support: conf.Inert,
			Set: (*sslConf).setCache},
		{Name: "ssl_session_ticket_key", In: either, Args: conf.Take(1), Repeat: true,
			Set: func(c *sslConf, call *conf.Call) { c.ticketKeys = append(c.ticketKeys, call.Arg(0)) }},
		{Name: "ssl_session_tickets", In: either, Args: conf.OnOff, Default: "on",
			Set: conf.Flag(func(c *sslConf) *conf.Opt[bool] { return &c.tickets })},
		{Name: "ssl_session_timeout", In: either, Args: conf.Take(1), Default: "5m",
			Set: conf.Sec(func(c *sslConf) *conf.Opt[time.Duration] { return &c.sessionTimeout })},
		{Name: "ssl_stapling", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *sslConf) *conf.Opt[bool] { return &c.ocsp.stapling })},
		{Name: "ssl_stapling_file", In: either, Args: conf.Take(1),
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.ocsp.stapleFile })},
		{Name: "ssl_stapling_responder", In: either, Args: conf.Take(1),
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.ocsp.stapleSource })},
		{Name: "ssl_stapling_verify", In: either, Args: conf.OnOff, Default: "off",
			Set: conf.Flag(func(c *sslConf) *conf.Opt[bool] { return &c.ocsp.stapleVerified })},
		{Name: "ssl_trusted_certificate", In: either, Args: conf.Take(1),
			Set: conf.String(func(c *sslConf) *conf.Opt[string] { return &c.trusted })},
		{Name: "ssl_verify_client", In: either, Args: conf.Take(1), Default: "off",
			Set: conf.Enum(func(c *sslConf) *conf.Opt[tlsconf.VerifyMode] { return &c.verify }, tlsconf.VerifyModeNames)},
		{Name: "ssl_verify_depth", In: either, Args: conf.Take(1), Default: "1",
			Set: conf.Number(func(c *sslConf) *conf.Opt[int64] { return &c.depth })},
	},
	Vars:     append(ssl.Variables(), absent(true, "ssl_ech_outer_server_name", "ssl_ech_status", "ssl_session_id")...),
	Merge:    (*sslConf).merge,
	Complete: (*sslConf).complete,
	Build:    (*sslConf).build,
}

// defaultHandshakeTimeout is the default of ssl_handshake_timeout.
const defaultHandshakeTimeout = time.Minute

// setALPN follows ngx_stream_ssl_alpn.
func (c *sslConf) setALPN(call *conf.Call) {
	for _, word := range call.Args() {
		if len(word.Text) > tlsconf.MaxALPN {
			call.FailValue("protocol too long")
			return
		}
		c.alpn = append(c.alpn, word.Text)
	}
}

// setCache follows ngx_stream_ssl_session_cache. Sessions are resumed by tickets, so that a cache has
// no effect.
func (c *sslConf) setCache(call *conf.Call) {
	for i := range call.Args() {
		word := &call.Args()[i]
		kind, rest, _ := strings.Cut(word.Text, ":")
		switch {
		case rest == "" && (word.Text == "off" || word.Text == "none" || word.Text == "builtin"):
		case kind == "builtin" && isNumber(rest):
		case kind == "shared" && c.sharedCache(call, word, rest):
		default:
			if !call.Compiler().Failed() {
				call.Fail(word, "invalid session cache \"%s\"", word.Text)
			}
			return
		}
	}
}

func isNumber(text string) bool {
	_, ok := conf.ParseNumber(text)
	return ok
}

// smallestSessionCache is 8 pages of memory.
const smallestSessionCache = 8 * 4096

// sharedCache declares the zone of shared:NAME:SIZE.
func (c *sslConf) sharedCache(call *conf.Call, word *parser.Word, text string) bool {
	name, sizeText, found := strings.Cut(text, ":")
	size, ok := conf.ParseSize(sizeText)
	switch {
	case name == "" || !found || !ok:
		return false
	case size < smallestSessionCache:
		call.Fail(word, "session cache \"%s\" is too small", word.Text)
		return false
	}
	call.Zones().Declare(name, size, "ssl_session_cache")
	return true
}

func (c *sslConf) merge(child *sslConf) {
	c.mergeTLS(&child.tlsConf)
	child.certificateCache.Inherit(c.certificateCache)
	child.clientCAs.Inherit(c.clientCAs)
	child.verify.Inherit(c.verify)
	child.handshakeTimeout.Inherit(c.handshakeTimeout)
	child.sessionTimeout.Inherit(c.sessionTimeout)
	child.tickets.Inherit(c.tickets)
	child.reject.Inherit(c.reject)
	child.curves.Inherit(c.curves)
	child.dhparam.Inherit(c.dhparam)
	child.compression.Inherit(c.compression)
	c.ocsp.merge(&child.ocsp)
	if child.certificates == nil {
		child.certificates = c.certificates
	}
	if child.keys == nil {
		child.keys = c.keys
	}
	if child.ticketKeys == nil {
		child.ticketKeys = c.ticketKeys
	}
	if child.alpn == nil {
		child.alpn = c.alpn
	}
}

// complete reads the files of a server.
func (c *sslConf) complete(b *streamBuild, level *conf.Level) {
	l := newTLSLoader(b.Compiler, b.block)
	if server, ok := c.load(l, level); ok {
		c.server = l.server(server, c.reject.Or(false), c.handshakeTimeout.Or(defaultHandshakeTimeout))
	}
}

// load reads the files of a server; ok is false without certificates or after an error. It follows the second
// half of ngx_stream_ssl_merge_srv_conf.
func (c *sslConf) load(l *tlsLoader, level *conf.Level) (server tlsconf.Server, ok bool) {
	switch {
	case len(c.keys) < len(c.certificates):
		l.ReportBare(diag.Emerg, "no \"ssl_certificate_key\" is defined for certificate \"%s\"", c.certificates[len(c.certificates)-1].Text)
		return server, false
	case len(c.certificates) == 0 && !c.reject.Or(false):
		return server, false
	}
	server = tlsconf.Server{
		Settings: tlsconf.Settings{
			Protocols: c.protocols.Or(tlsconf.DefaultProtocols), Ciphers: c.ciphers.Or("HIGH:!aNULL:!MD5"),
			Groups: c.curves.Or(tlsconf.AutoGroups), Commands: c.commands, ALPN: c.alpn, KeyLog: c.keyLogOf(l.Compiler),
		},
		Name: level.Origin(), Verify: c.verify.Or(tlsconf.VerifyOff), Timeout: c.sessionTimeout.Or(5 * time.Minute),
	}
	var store *certverify.Store
	l.run(
		func() { l.level(server.Ciphers) },
		func() { c.loadCertificates(l, &server) },
		func() { store = c.loadAuthorities(l, &server) },
		func() { c.ocsp.check(l, server.Name, server.Verify, store) },
		func() { l.dhparam(c.dhparam.Or("")) },
		func() { server.Tickets = c.ticketsOf(l, server.Timeout) },
		func() { c.staple(l, &server, store) },
	)
	return server, !l.Failed()
}

func (c *sslConf) setCertificateCache(call *conf.Call) {
	if cache, ok := certificateCache(call); ok {
		c.certificateCache.Set(cache)
	}
}

// loadCertificates loads the certificates, or makes each handshake load them if a name has variables. It
// follows ngx_stream_ssl_compile_certificates.
func (c *sslConf) loadCertificates(l *tlsLoader, server *tlsconf.Server) {
	keys := c.keys[:len(c.certificates)]
	hasVariables := func(w parser.Word) bool { return strings.Contains(w.Text, "$") }
	if !slices.ContainsFunc(c.certificates, hasVariables) && !slices.ContainsFunc(keys, hasVariables) {
		server.Certificates = l.certificates(c.certificates, keys, c.passwords)
		if len(keys) > 0 && !l.Failed() && c.compression.Or(false) {
			l.ReportBare(diag.Warn, "\"ssl_certificate_compression\" is not supported on this platform, ignored")
		}
		return
	}
	variable := &ssl.Certificates{Load: l.connectionCertificate(c.passwords, c.certificateCache.Or(nil))}
	for i := range keys {
		variable.Pairs = append(variable.Pairs, ssl.Pair{File: l.template(c.certificates[i].Text), Key: l.template(keys[i].Text)})
	}
	server.Choose = variable.Choose
}

// staple prepares the OCSP responses for the certificates.
func (c *sslConf) staple(l *tlsLoader, server *tlsconf.Server, store *certverify.Store) {
	if c.ocsp.stapling.Or(false) && c.compression.Or(false) {
		l.fail("\"ssl_stapling\" is incompatible with \"ssl_certificate_compression\"")
		return
	}
	names := make([]string, len(server.Certificates))
	for i := range names {
		names[i] = l.path(c.certificates[i].Text)
	}
	c.ocsp.staple(l, server.Name, server.Certificates, names, store)
	if len(c.ocsp.staples) > 0 {
		server.Staple = c.ocsp.staples.Response
	}
}

// loadAuthorities loads the certificates that clients and OCSP responses are verified with.
func (c *sslConf) loadAuthorities(l *tlsLoader, server *tlsconf.Server) *certverify.Store {
	clientCAs, trusted := c.clientCAs.Or(""), c.trusted.Or("")
	if server.Verify != tlsconf.VerifyOff && server.Verify != tlsconf.VerifyOptionalNoCA && clientCAs == "" && trusted == "" {
		l.fail("no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client")
		return nil
	}
	var authorities []*x509.Certificate
	if server.Verify != tlsconf.VerifyOff {
		authorities = l.authorities(clientCAs)
	}
	all := slices.Concat(authorities, l.authorities(trusted))
	v := l.verifier(all, l.revocations(c.crl.Or("")), certverify.ForClients, c.depth.Or(1))
	if server.Verify != tlsconf.VerifyOff {
		server.Verifier, server.ClientAuthorities = v, authorities
	}
	return v.Store
}

// ticketsOf returns the keys of session tickets, or nil if there are no tickets.
func (c *sslConf) ticketsOf(l *tlsLoader, timeout time.Duration) tlsconf.TicketKeys {
	keys := l.ticketKeys(c.ticketKeys)
	switch {
	case !c.tickets.Or(true):
		return nil
	case len(keys) > 0:
		return keys
	}
	return l.randomKeys(timeout)
}

func (c *sslConf) build(s *serverBuild) {
	if s.server.TLS = c.server; c.server == nil {
		s.server.TLS = stream.NewServerTLS(nil, c.handshakeTimeout.Or(defaultHandshakeTimeout))
	}
	s.server.TLS.KeepOffer = slices.ContainsFunc(ssl.OfferVariables, s.config.Vars.Uses)
	if mode := c.verify.Or(tlsconf.VerifyOff); mode != tlsconf.VerifyOff {
		s.handle(stream.SSL, &ssl.Handler{Mode: mode})
	}
	c.ocsp.build(s)
}
