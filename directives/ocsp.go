package directives

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"weir/directives/conf"
	"weir/internal/certstatus"
	"weir/internal/certverify"
	"weir/internal/tlsconf"
	"weir/parser/diag"
	"weir/stream"
	"weir/stream/modules/ssl"
)

// ocspConf holds the settings about OCSP of one level.
type ocspConf struct {
	mode           conf.Opt[ocspMode]
	responder      conf.Opt[string]
	cache          conf.Opt[*ssl.StatusCache]
	stapling       conf.Opt[bool]
	stapleFile     conf.Opt[string]
	stapleSource   conf.Opt[string]
	stapleVerified conf.Opt[bool]

	checker *ssl.StatusChecker // once complete; nil with ssl_ocsp off
	staples ssl.Staples        // once complete
}

// An ocspMode is a value of ssl_ocsp.
type ocspMode int

const (
	ocspOff ocspMode = iota
	ocspOn
	ocspLeaf
)

var ocspModes = map[string]ocspMode{"off": ocspOff, "on": ocspOn, "leaf": ocspLeaf}

func (c *ocspConf) merge(child *ocspConf) {
	child.mode.Inherit(c.mode)
	child.responder.Inherit(c.responder)
	child.cache.Inherit(c.cache)
	child.stapling.Inherit(c.stapling)
	child.stapleFile.Inherit(c.stapleFile)
	child.stapleSource.Inherit(c.stapleSource)
	child.stapleVerified.Inherit(c.stapleVerified)
}

// setCache follows ngx_stream_ssl_ocsp_cache.
func (c *ocspConf) setCache(call *conf.Call) {
	word := &call.Args()[0]
	if word.Text == "off" {
		c.cache.Set(nil)
		return
	}
	text, isShared := strings.CutPrefix(word.Text, "shared:")
	name, sizeText, hasSize := strings.Cut(text, ":")
	size, ok := conf.ParseSize(sizeText)
	switch {
	case !isShared || name == "" || !hasSize || !ok:
		call.Fail(word, "invalid OCSP cache \"%s\"", word.Text)
	case size < minZone:
		call.Fail(word, "OCSP cache \"%s\" is too small", word.Text)
	default:
		call.Zones().Declare(name, size, "ssl_ocsp_cache")
		c.cache.Set(statusCache(configOf(call.Level), name, size))
	}
}

// statusCache returns the part for a zone, which all directives with its name share.
func statusCache(config *stream.Config, name string, size int64) *ssl.StatusCache {
	for _, p := range config.Parts {
		if known, ok := p.(*ssl.StatusCache); ok && known.Name() == name {
			return known
		}
	}
	cache := ssl.NewStatusCache(name, size)
	addPart(config, cache)
	return cache
}

// check prepares the questions about client certificates. It follows ngx_ssl_ocsp.
func (c *ocspConf) check(l *tlsLoader, server string, mode tlsconf.VerifyMode, store *certverify.Store) {
	switch {
	case c.mode.Or(ocspOff) == ocspOff:
		return
	case mode == tlsconf.VerifyOptionalNoCA:
		l.fail("\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"")
		return
	}
	c.checker = &ssl.StatusChecker{
		Server: server, LeafOnly: c.mode.Or(ocspOff) == ocspLeaf, Parse: clientResponder, Cache: c.cache.Or(nil),
		Trust: certstatus.Trust{Store: store},
	}
	url := c.responder.Or("")
	if url == "" {
		return
	}
	responder, err := parseResponder(url, l.Env.LookupHost)
	if err != nil {
		l.fail(err.Error() + " in \"ssl_ocsp_responder\"")
		return
	}
	c.checker.Responder = responder
}

// staple adds the OCSP response of ssl_stapling_file to the certificates, or prepares to ask for
// responses. It follows ngx_ssl_stapling.
func (c *ocspConf) staple(l *tlsLoader, server string, certificates []tls.Certificate, names []string, store *certverify.Store) {
	if !c.stapling.Or(false) {
		return
	}
	for i := range certificates {
		own := &certificates[i]
		if file := c.stapleFile.Or(""); file != "" {
			var err error
			if own.OCSPStaple, err = l.files.Staple(l.Env.ConfPath(file)); !l.check(err) {
				return
			}
			continue
		}
		s, err := c.newStaple(l, own, names[i], store)
		if err != nil {
			l.ReportBare(diag.Warn, "\"ssl_stapling\" ignored, %s", err)
			continue
		}
		s.Server = server
		c.staples = append(c.staples, s)
	}
}

// newStaple returns what a question about a certificate of the server needs.
func (c *ocspConf) newStaple(l *tlsLoader, own *tls.Certificate, name string, store *certverify.Store) (*ssl.Staple, error) {
	var chain []*x509.Certificate
	for _, der := range own.Certificate[1:] {
		if issuer, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, issuer)
		}
	}
	issuer := certverify.NewStore(chain, nil).Issuer(own.Leaf)
	if issuer == nil {
		issuer = store.Issuer(own.Leaf)
	}
	if issuer == nil {
		return nil, fmt.Errorf("issuer certificate not found for certificate \"%s\"", name)
	}
	url := c.stapleSource.Or("")
	if url == "" && len(own.Leaf.OCSPServer) > 0 {
		url = own.Leaf.OCSPServer[0]
	}
	if url == "" {
		return nil, fmt.Errorf("no OCSP responder URL in the certificate \"%s\"", name)
	}
	responder, err := parseResponder(url, l.Env.LookupHost)
	if err != nil {
		return nil, fmt.Errorf("%w in the certificate \"%s\"", err, name)
	}
	trust := certstatus.Trust{Others: chain, TrustOthers: true}
	if c.stapleVerified.Or(false) {
		trust.Store = store
	}
	question := certstatus.Question{Certificate: own.Leaf, Issuer: issuer, Trust: trust, MustBeGood: true}
	return &ssl.Staple{File: name, Responder: responder, Question: question}, nil
}

// build adds the parts of a server to the configuration.
func (c *ocspConf) build(s *serverBuild) {
	if c.checker == nil && len(c.staples) == 0 {
		return
	}
	settings := conf.At[streamConf](s.level)
	names := ssl.Names{Resolver: settings.resolver.resolver(s.Compiler), Timeout: settings.resolverTimeout.Or(defaultResolverTimeout)}
	if c.checker != nil {
		c.checker.Names = names
		s.server.TLS.Status = c.checker.Status
		s.addPart(c.checker)
	}
	for _, staple := range c.staples {
		staple.Names = names
		s.addPart(staple)
	}
}

// defaultHTTPPort is the port of a URL without one.
const defaultHTTPPort = 80

// parseResponder parses the URL of an OCSP responder, and looks up its host.
func parseResponder(url string, lookup func(string) ([]netip.Addr, error)) (*certstatus.Responder, error) {
	r, a, err := splitResponder(url)
	if err != nil {
		return nil, err
	}
	addrs, err := a.Resolve(lookup)
	if err != nil {
		return nil, badResponder(url, err)
	}
	for _, addr := range addrs {
		r.Addrs = append(r.Addrs, addr.String())
	}
	return r, nil
}

// clientResponder parses the URL in a client's certificate. Its host is not looked up yet.
func clientResponder(url string) (*certstatus.Responder, error) {
	r, a, err := splitResponder(url)
	if err == nil && a.IsUnix {
		err = badResponder(url, errNoUnix)
	}
	if err != nil {
		return nil, fmt.Errorf("%w in certificate", err)
	}
	return r, nil
}

var (
	errNoUnix       = errors.New("unix domain socket")
	errBadCharacter = errors.New("invalid character")
)

// splitResponder follows ngx_parse_url with its flag uri_part.
func splitResponder(url string) (*certstatus.Responder, conf.Address, error) {
	const scheme = "http://"
	if len(url) <= len(scheme) || !strings.EqualFold(url[:len(scheme)], scheme) {
		return nil, conf.Address{}, fmt.Errorf("invalid URL prefix in OCSP responder \"%s\"", url)
	}
	if strings.ContainsFunc(url, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, conf.Address{}, badResponder(url, errBadCharacter)
	}
	place, path := cutPath(url[len(scheme):])
	a, err := conf.ParseUpstream(place)
	if err != nil {
		return nil, a, badResponder(url, err)
	}
	if a.NoPort {
		a.Port, a.PortEnd = defaultHTTPPort, defaultHTTPPort
	}
	return &certstatus.Responder{Host: a.Host, Port: uint16(a.Port), Path: path}, a, nil
}

// cutPath cuts a URL without its scheme before its path. That of a unix socket follows a second colon.
func cutPath(text string) (place, path string) {
	const unix = "unix:"
	if len(text) >= len(unix) && strings.EqualFold(text[:len(unix)], unix) {
		socket, path, _ := strings.Cut(text[len(unix):], ":")
		return unix + socket, path
	}
	if i := strings.IndexAny(text, "/?"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// badResponder returns nginx's sentence, which has the URL without its scheme.
func badResponder(url string, err error) error {
	return fmt.Errorf("%w in OCSP responder \"%s\"", err, url[len("http://"):])
}
