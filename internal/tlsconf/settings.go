package tlsconf

import (
	"crypto/tls"
	"fmt"
	"io"
	"strings"

	"weir/internal/ciphers"
)

// MaxALPN is the longest name of a protocol.
const MaxALPN = 255

// Settings are those that servers and clients share. The zero value has no protocols.
type Settings struct {
	Protocols    Protocols
	Ciphers      string // in OpenSSL's language
	Groups       string // AutoGroups for those of crypto/tls
	Commands     []Command
	ALPN         []string // names of at most MaxALPN bytes
	Certificates []tls.Certificate
	KeyLog       io.Writer // gets the secrets of the connections; nil keeps them
}

// SecurityLevel returns the level that a list of ciphers sets, for Files.Certificate. An error is the
// one that Server and Client would return.
func SecurityLevel(list string) (int, error) {
	l, err := parseCiphers(list)
	return l.Level, err
}

func parseCiphers(list string) (ciphers.List, error) {
	l, err := ciphers.Parse(list)
	if err != nil {
		return l, failed(err.Error(), "SSL_CTX_set_cipher_list(\"%s\") failed", list)
	}
	return l, nil
}

// A plan is a set of settings on the way to a configuration of crypto/tls.
type plan struct {
	protocols Protocols
	limit     versionRange
	ciphers   ciphers.List
	groups    []tls.CurveID
	noTickets bool
	warnings  []string
}

// anyVersion is the range without limits.
var anyVersion = versionRange{0, tls.VersionTLS13}

// config returns the configuration of crypto/tls, and warnings about settings that it follows in part.
func (s Settings) config() (*tls.Config, *plan, error) {
	p := &plan{protocols: s.Protocols, limit: anyVersion}
	l, err := parseCiphers(s.Ciphers)
	if err != nil {
		return nil, nil, err
	}
	p.setCiphers(l)
	if s.Groups != "" && s.Groups != AutoGroups {
		if queued, ok := p.setGroups(s.Groups); !ok {
			return nil, nil, failed(queued, "SSL_CTX_set1_curves_list(\"%s\") failed", s.Groups)
		}
	}
	for _, c := range s.Commands {
		if err := p.run(c); err != nil {
			return nil, nil, err
		}
	}
	versions, err := p.versions()
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{
		MinVersion: versions.oldest, MaxVersion: versions.newest,
		CipherSuites: p.ciphers.Suites, CurvePreferences: p.groups,
		NextProtos: s.ALPN, Certificates: s.Certificates, KeyLogWriter: s.KeyLog,
	}, p, nil
}

func (p *plan) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

// setCiphers replaces the ciphers of TLS 1.2 and older.
func (p *plan) setCiphers(l ciphers.List) {
	p.ciphers = l
	if len(l.Missing) > 0 {
		p.warn("ciphers that are not supported are ignored: %s", strings.Join(l.Missing, ":"))
	}
}

// setGroups replaces the groups.
func (p *plan) setGroups(list string) (queued string, ok bool) {
	ids, missing, queued, ok := parseGroups(list)
	if !ok {
		return queued, false
	}
	if len(missing) > 0 && len(ids) > 0 {
		p.warn("groups that are not supported are ignored: %s", strings.Join(missing, ":"))
	}
	if len(ids) == 0 {
		return "no supported group in the list", false
	}
	p.groups = ids
	return "", true
}

// versions returns the versions to offer. Without a cipher for the older ones only TLS 1.3 is left.
func (p *plan) versions() (versionRange, error) {
	r, hasGap := p.protocols.within(p.limit).versions()
	if hasGap {
		p.warn("versions of TLS below a gap in the list are ignored")
	}
	if len(p.ciphers.Suites) > 0 || r.isEmpty() {
		return r, nil
	}
	if r.newest < tls.VersionTLS13 {
		return r, &Error{Text: "no supported cipher in the list \"" + strings.Join(p.ciphers.Names, ":") + "\""}
	}
	if r.oldest < tls.VersionTLS13 {
		p.warn("only TLS 1.3 is offered, since no cipher of the older versions is supported")
		r.oldest = tls.VersionTLS13
	}
	return r, nil
}
