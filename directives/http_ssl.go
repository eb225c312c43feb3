package directives

import (
	"slices"

	"weir/directives/conf"
	"weir/web"
)

// httpSSL holds the TLS settings of one level of http {}: those of stream {}.
type httpSSL struct {
	sslConf
	web *web.TLS // once complete; nil without certificates
}

// streamOnly are the directives of ngx_stream_ssl_module that http {} does not have.
var streamOnly = []string{"ssl_alpn", "ssl_handshake_timeout"}

// httpSSLModule is ngx_http_ssl_module.
var httpSSLModule = &httpModule[none, httpSSL, none]{
	Name:        "ngx_http_ssl_module",
	Server:      httpSSLEntries(),
	MergeServer: func(outer, inner *httpSSL) { outer.merge(&inner.sslConf) },
	Complete:    (*httpSSL).complete,
	BuildServer: func(c *httpSSL, s *httpServerBuild) { s.server.TLS = c.web },
}

// httpSSLEntries are the directives that stream {} has too.
func httpSSLEntries() []conf.Entry[httpSSL] {
	var all []conf.Entry[httpSSL]
	for _, e := range sslModule.Server {
		if slices.Contains(streamOnly, e.Name) {
			continue
		}
		adapted := conf.Entry[httpSSL]{
			Name: e.Name, In: httpEither, Args: e.Args, Body: e.Body, Default: e.Default, Repeat: e.Repeat, Support: e.Support,
		}
		if set := e.Set; set != nil {
			adapted.Set = func(c *httpSSL, call *conf.Call) { set(&c.sslConf, call) }
		}
		all = append(all, adapted)
	}
	return all
}

// complete reads the files of a server.
func (c *httpSSL) complete(b *httpBuild, level *conf.Level) {
	l := newTLSLoader(b.Compiler, b.block)
	server, ok := c.load(l, level)
	if !ok {
		return
	}
	if server.Choose != nil {
		l.fail("variables in \"ssl_certificate\" are not supported in \"http\"")
		return
	}
	if c.ocsp.mode.Or(ocspOff) != ocspOff {
		l.fail("\"ssl_ocsp\" is not supported in \"http\"") // without it revoked certificates would be accepted
		return
	}
	config := l.config(server)
	if config == nil {
		return
	}
	c.web = &web.TLS{Config: config, Reject: c.reject.Or(false), Mode: server.Verify, Verifier: server.Verifier}
	if len(server.Certificates) == 0 {
		c.web.Config = nil
	}
}
