package tlsconf

import (
	"crypto/tls"
	"strings"
)

// Protocols is a set of versions of TLS.
type Protocols uint

// The versions, as ssl_protocols names them.
const (
	SSLv2 Protocols = 1 << iota
	SSLv3
	TLSv1
	TLSv11
	TLSv12
	TLSv13
)

// DefaultProtocols is the default of ssl_protocols and proxy_ssl_protocols.
const DefaultProtocols = TLSv12 | TLSv13

// ProtocolNames has the values of ssl_protocols.
var ProtocolNames = map[string]Protocols{
	"SSLv2": SSLv2, "SSLv3": SSLv3, "TLSv1": TLSv1, "TLSv1.1": TLSv11, "TLSv1.2": TLSv12, "TLSv1.3": TLSv13,
}

// A versionRange is the oldest and the newest version that is offered.
type versionRange struct{ oldest, newest uint16 }

// isEmpty reports whether no version is offered.
func (r versionRange) isEmpty() bool { return r.oldest > r.newest }

// protocolBits are the versions that crypto/tls has, oldest first.
var protocolBits = []struct {
	bit     Protocols
	version uint16
}{{TLSv1, tls.VersionTLS10}, {TLSv11, tls.VersionTLS11}, {TLSv12, tls.VersionTLS12}, {TLSv13, tls.VersionTLS13}}

// versions returns the newest versions without a gap, since crypto/tls has no gaps, and whether older
// ones had to be left out.
func (p Protocols) versions() (r versionRange, hasGap bool) {
	r = versionRange{tls.VersionTLS13, tls.VersionTLS12}
	for _, v := range protocolBits {
		switch {
		case p&v.bit == 0:
			continue
		case r.isEmpty() || v.version != r.newest+1:
			hasGap = !r.isEmpty()
			r.oldest = v.version
		}
		r.newest = v.version
	}
	return r, hasGap
}

// within removes the versions outside of a range.
func (p Protocols) within(r versionRange) Protocols {
	for _, v := range protocolBits {
		if v.version < r.oldest || v.version > r.newest {
			p &^= v.bit
		}
	}
	return p
}

// version returns the number of a version by its name in MinProtocol and MaxProtocol, which OpenSSL
// compares exactly. "None" is no limit, as are versions that crypto/tls does not have.
func version(name string) (number uint16, ok bool) {
	switch name {
	case "None", "DTLSv0.9", "DTLSv1", "DTLSv1.2":
		return 0, true
	case "SSLv3":
		return tls.VersionTLS10 - 1, true
	case "TLSv1":
		return tls.VersionTLS10, true
	case "TLSv1.1":
		return tls.VersionTLS11, true
	case "TLSv1.2":
		return tls.VersionTLS12, true
	case "TLSv1.3":
		return tls.VersionTLS13, true
	}
	return 0, false
}

// VersionName returns the name of a version in $ssl_protocol.
func VersionName(v uint16) string {
	switch v {
	case tls.VersionTLS10:
		return "TLSv1"
	case tls.VersionTLS11:
		return "TLSv1.1"
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS13:
		return "TLSv1.3"
	}
	return "unknown"
}

// toggle applies one element of the command Protocol: a name, ALL, and a sign before it.
func (p Protocols) toggle(element string) (Protocols, bool) {
	name, off := element, false
	if strings.HasPrefix(element, "-") || strings.HasPrefix(element, "+") {
		name, off = element[1:], element[0] == '-'
	}
	var bit Protocols
	for known, b := range ProtocolNames {
		if strings.EqualFold(known, name) {
			bit = b
		}
	}
	if strings.EqualFold(name, "ALL") {
		bit = SSLv2 | SSLv3 | TLSv1 | TLSv11 | TLSv12 | TLSv13
	}
	if bit == 0 {
		return p, false
	}
	if off {
		return p &^ bit, true
	}
	return p | bit, true
}
