package directives

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/internal/certverify"
	"weir/internal/tlsconf"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
	"weir/stream/modules/ssl"
)

// tlsConf holds the TLS settings that connections with clients and with servers share.
type tlsConf struct {
	protocols    conf.Opt[tlsconf.Protocols]
	ciphers      conf.Opt[string]
	commands     []tlsconf.Command
	trusted      conf.Opt[string]
	crl          conf.Opt[string]
	depth        conf.Opt[int64]
	keyLog       conf.Opt[string]
	passwords    []string
	hasPasswords bool
}

// mergeTLS completes the settings of a server from those of the block around it.
func (c *tlsConf) mergeTLS(child *tlsConf) {
	child.protocols.Inherit(c.protocols)
	child.ciphers.Inherit(c.ciphers)
	child.trusted.Inherit(c.trusted)
	child.crl.Inherit(c.crl)
	child.depth.Inherit(c.depth)
	child.keyLog.Inherit(c.keyLog)
	if child.commands == nil {
		child.commands = c.commands
	}
	if !child.hasPasswords {
		child.passwords = c.passwords
	}
}

// keyLogOf returns the log of ssl_key_log or proxy_ssl_key_log, or nil.
func (c *tlsConf) keyLogOf(compiler *conf.Compiler) io.Writer {
	if name := c.keyLog.Or(""); name != "" {
		return configOf(compiler.Main).Files.Get(compiler.Env.Path(name))
	}
	return nil
}

func (c *tlsConf) addCommand(call *conf.Call) {
	c.commands = append(c.commands, tlsconf.Command{Name: call.Arg(0), Value: call.Arg(1)})
}

// setProtocols follows ngx_conf_set_bitmask_slot.
func (c *tlsConf) setProtocols(call *conf.Call) {
	set := c.protocols.Or(0)
	for i := range call.Args() {
		word := &call.Args()[i]
		p, ok := protocolNamed(word.Text)
		switch {
		case !ok:
			call.Fail(word, "invalid value \"%s\"", word.Text)
			return
		case set&p != 0:
			call.Warn(word, "duplicate value \"%s\"", word.Text)
		}
		set |= p
	}
	c.protocols.Set(set)
}

func protocolNamed(text string) (tlsconf.Protocols, bool) {
	for name, p := range tlsconf.ProtocolNames {
		if ascii.EqualFold(name, text) {
			return p, true
		}
	}
	return 0, false
}

// readPasswords reads a file of passwords. It follows ngx_ssl_read_password_file.
func (c *tlsConf) readPasswords(call *conf.Call) {
	if c.hasPasswords {
		call.FailValue("is duplicate")
		return
	}
	c.hasPasswords = true
	env := call.Compiler().Env
	var err error
	if c.passwords, err = (tlsconf.Files{Read: env.ReadFile}).Passwords(env.ConfPath(call.Arg(0))); err != nil {
		call.Fail(&call.Args()[0], "%s", err)
	}
}

// A tlsLoader reads the files of TLS settings, and reports errors as nginx does: some at the end of the
// block with the servers, the others without a place.
type tlsLoader struct {
	*conf.Compiler
	block         *conf.Level
	files         tlsconf.Files
	securityLevel int
}

func newTLSLoader(c *conf.Compiler, block *conf.Level) *tlsLoader {
	return &tlsLoader{Compiler: c, block: block, files: tlsconf.Files{Read: c.Env.ReadFile}}
}

// run calls the steps, in the order of nginx, until one has failed.
func (l *tlsLoader) run(steps ...func()) {
	for _, step := range steps {
		if step(); l.Failed() {
			return
		}
	}
}

func (l *tlsLoader) fail(text string) { l.ReportBare(diag.Emerg, "%s", text) }

// check reports the error, and returns whether there is none.
func (l *tlsLoader) check(err error) bool {
	var e *tlsconf.Error
	switch {
	case err == nil:
		return true
	case errors.As(err, &e) && e.HasPlace:
		l.ReportEnd(l.block, diag.Emerg, "%s", e.Text)
	default:
		l.fail(err.Error())
	}
	return false
}

// level sets the security level of the ciphers, which the strength of certificates must have.
func (l *tlsLoader) level(ciphers string) {
	var err error
	l.securityLevel, err = tlsconf.SecurityLevel(ciphers)
	l.check(err)
}

func (l *tlsLoader) path(name string) string { return keyPath(l.Env, name) }

// keyPath returns the full name of a file with a certificate or a key, and other values as they are.
func keyPath(env *conf.Env, name string) string {
	if name == "" || !tlsconf.IsKeyFile(name) {
		return name
	}
	return env.ConfPath(name)
}

// template compiles a name with variables.
func (l *tlsLoader) template(text string) stream.Template {
	t, err := stream.ParseTemplate(text, configOf(l.Main).Vars)
	if err != nil {
		l.ReportEnd(l.block, diag.Emerg, "%s", err.Error())
	}
	return t
}

// certificates loads pairs of certificates and keys.
func (l *tlsLoader) certificates(names, keys []parser.Word, passwords []string) (all []tls.Certificate) {
	for i := range names {
		c, err := l.files.Certificate(l.path(names[i].Text), l.path(keys[i].Text), passwords, l.securityLevel)
		if !l.check(err) {
			return nil
		}
		all = append(all, c)
	}
	return all
}

// connectionCertificate returns the function that loads a certificate for a connection.
func (l *tlsLoader) connectionCertificate(passwords []string, cache *tlsconf.CertificateCache) func(file, key string, now time.Time) (tls.Certificate, error) {
	files, env, level := l.files, l.Env, l.securityLevel
	return func(file, key string, now time.Time) (tls.Certificate, error) {
		return cache.Certificate(file, key, now, func() (tls.Certificate, error) {
			return files.ConnectionCertificate(keyPath(env, file), keyPath(env, key), passwords, level)
		})
	}
}

// authorities loads certificates of authorities; no name means none.
func (l *tlsLoader) authorities(name string) []*x509.Certificate {
	if name == "" || l.Failed() {
		return nil
	}
	all, err := l.files.Authorities(l.path(name))
	l.check(err)
	return all
}

// revocations loads revocation lists; no name means none.
func (l *tlsLoader) revocations(name string) []*x509.RevocationList {
	if name == "" || l.Failed() {
		return nil
	}
	all, err := l.files.RevocationLists(l.path(name))
	l.check(err)
	return all
}

func (l *tlsLoader) verifier(trusted []*x509.Certificate, crls []*x509.RevocationList, usage certverify.Usage, depth int64) *tlsconf.Verifier {
	return &tlsconf.Verifier{Store: certverify.NewStore(trusted, crls), Usage: usage, Depth: conf.Int(depth), Level: l.securityLevel}
}

// dhparam checks the parameters of a key exchange that Go does not have; no name means none.
func (l *tlsLoader) dhparam(name string) {
	if name == "" || !l.check(l.files.CheckDHParameters(l.Env.ConfPath(name))) {
		return
	}
	l.ReportBare(diag.Warn, "\"ssl_dhparam\" has no effect: key exchange with finite fields is not supported")
}

// ticketKeys loads the keys of session tickets.
func (l *tlsLoader) ticketKeys(names []string) (keys tlsconf.FixedKeys) {
	for _, name := range names {
		k, err := l.files.TicketKey(l.Env.ConfPath(name))
		if !l.check(err) {
			return nil
		}
		keys = append(keys, k)
	}
	return keys
}

// randomKeys returns keys of session tickets that the process has made.
func (l *tlsLoader) randomKeys(valid time.Duration) tlsconf.TicketKeys {
	if l.Env.TicketKeys == nil {
		return tlsconf.NewRandomKeys(valid)
	}
	return l.Env.TicketKeys(valid)
}

// config makes the configuration of crypto/tls of a server, and reports its warnings; nil after an error.
func (l *tlsLoader) config(s tlsconf.Server) *tls.Config {
	config, warnings, err := s.Config()
	if !l.check(err) {
		return nil
	}
	for _, w := range warnings {
		l.ReportBare(diag.Warn, "%s", w)
	}
	return config
}

// server makes the settings of a server for its handshakes.
func (l *tlsLoader) server(s tlsconf.Server, reject bool, timeout time.Duration) *stream.ServerTLS {
	config := l.config(s)
	if config == nil {
		return nil
	}
	made := stream.NewServerTLS(config, timeout)
	made.Reject, made.ReadsFiles = reject, s.Choose != nil
	if s.Verifier != nil {
		made.Verify = ssl.Verify(s.Verifier)
	}
	return made
}

// certificateCache returns the cache of ssl_certificate_cache and proxy_ssl_certificate_cache; nil if it
// is off.
func certificateCache(call *conf.Call) (cache *tlsconf.CertificateCache, ok bool) {
	limits := tlsconf.CacheLimits{Valid: time.Minute, Inactive: 10 * time.Second}
	off := false
	for i := range call.Args() {
		word := &call.Args()[i]
		switch {
		case word.Text == "off":
			off = true
		case !setCacheLimit(&limits, word.Text):
			call.Fail(word, "invalid parameter \"%s\"", word.Text)
			return nil, false
		}
	}
	switch {
	case off:
		return nil, true
	case limits.Max == 0:
		call.Fail(nil, "\"%s\" must have the \"max\" parameter", call.Dir.Name.Text)
		return nil, false
	}
	return tlsconf.NewCertificateCache(limits), true
}

// setCacheLimit sets the limit of one parameter.
func setCacheLimit(limits *tlsconf.CacheLimits, text string) bool {
	name, value, _ := strings.Cut(text, "=")
	ok := false
	switch name {
	case "max":
		var n int64
		n, ok = conf.ParseNumber(value)
		limits.Max = conf.Int(n)
		ok = ok && n > 0
	case "inactive":
		limits.Inactive, ok = conf.ParseSec(value)
	case "valid":
		limits.Valid, ok = conf.ParseSec(value)
	}
	return ok
}
