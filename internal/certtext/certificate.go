package certtext

import (
	"crypto/x509"
	"time"
)

// A Certificate is the certificate of a client as DER, for nginx's variables $ssl_client_…. Without
// one, when it is nil, all are empty. It is parsed for each variable: the parsed form would take more
// memory than a session.
type Certificate []byte

// Fields are the values of the variables $ssl_client_NAME of stream and http that depend on nothing else.
var Fields = map[string]func(Certificate) string{
	"cert": Certificate.Tabbed, "raw_cert": Certificate.Raw, "escaped_cert": Certificate.Escaped,
	"fingerprint": Certificate.Fingerprint, "s_dn": Certificate.Subject, "i_dn": Certificate.Issuer,
	"serial": Certificate.Serial, "v_start": Certificate.Start, "v_end": Certificate.End,
}

// Tabbed returns the value of $ssl_client_cert.
func (c Certificate) Tabbed() string { return c.raw(TabbedPEM) }

// Raw returns the value of $ssl_client_raw_cert.
func (c Certificate) Raw() string { return c.raw(PEM) }

// Escaped returns the value of $ssl_client_escaped_cert.
func (c Certificate) Escaped() string { return c.raw(EscapedPEM) }

// Fingerprint returns the value of $ssl_client_fingerprint.
func (c Certificate) Fingerprint() string { return c.raw(Fingerprint) }

func (c Certificate) raw(print func([]byte) string) string {
	if c == nil {
		return ""
	}
	return print(c)
}

// Subject returns the value of $ssl_client_s_dn.
func (c Certificate) Subject() string {
	return c.parsed(func(x *x509.Certificate) string { return printed(RFC2253(x.RawSubject)) })
}

// Issuer returns the value of $ssl_client_i_dn.
func (c Certificate) Issuer() string {
	return c.parsed(func(x *x509.Certificate) string { return printed(RFC2253(x.RawIssuer)) })
}

// SubjectLegacy returns the value of $ssl_client_s_dn_legacy.
func (c Certificate) SubjectLegacy() string {
	return c.parsed(func(x *x509.Certificate) string { return printed(OneLine(x.RawSubject)) })
}

// IssuerLegacy returns the value of $ssl_client_i_dn_legacy.
func (c Certificate) IssuerLegacy() string {
	return c.parsed(func(x *x509.Certificate) string { return printed(OneLine(x.RawIssuer)) })
}

// CommonName returns the first common name of the subject.
func (c Certificate) CommonName() string {
	return c.parsed(func(x *x509.Certificate) string { return CommonName(x.RawSubject) })
}

func printed(text string, _ bool) string { return text }

// Serial returns the value of $ssl_client_serial.
func (c Certificate) Serial() string {
	return c.parsed(func(x *x509.Certificate) string { return Serial(x.SerialNumber) })
}

// Start returns the value of $ssl_client_v_start.
func (c Certificate) Start() string {
	return c.parsed(func(x *x509.Certificate) string { return Time(x.NotBefore) })
}

// End returns the value of $ssl_client_v_end.
func (c Certificate) End() string {
	return c.parsed(func(x *x509.Certificate) string { return Time(x.NotAfter) })
}

// DaysLeft returns the value of $ssl_client_v_remain.
func (c Certificate) DaysLeft(now time.Time) string {
	return c.parsed(func(x *x509.Certificate) string { return DaysLeft(x.NotAfter, now) })
}

func (c Certificate) parsed(print func(*x509.Certificate) string) string {
	x, err := x509.ParseCertificate(c)
	if err != nil {
		return "" // there is none, since the handshake has parsed it
	}
	return print(x)
}
