package proxy

import (
	"weir/internal/certtext"
	"weir/internal/ciphers"
	"weir/internal/proxyproto"
	"weir/internal/tlsconf"
	"weir/stream"
)

// Protocol selects the PROXY header that is sent first.
type Protocol int

// The versions.
const (
	Off Protocol = iota
	V1
	V2
)

// unknownV1 is the header that nginx writes for a client without an IP address.
const unknownV1 = "PROXY UNKNOWN\r\n"

// appendHeader appends the session's PROXY header, if one is sent.
func (p Protocol) appendHeader(b []byte, s *stream.Session) []byte {
	client, local := s.Client.Addr, s.Client.Local
	switch {
	case p == Off:
		return b
	case p == V2 && s.UDP():
		return proxyproto.AppendV2UDP(b, client.IP, local.IP)
	case p == V2:
		return proxyproto.AppendV2(b, client.IP, local.IP, clientTLS(s.TLS))
	case client.Unix:
		return append(b, unknownV1...)
	case local.Unix:
		return proxyproto.AppendV1Unix(b, client.IP, local.Path)
	}
	return proxyproto.AppendV1(b, client.IP, local.IP)
}

// clientTLS returns the data of the client's handshake for the header.
func clientTLS(t *stream.TLSState) *proxyproto.TLS {
	if t == nil {
		return nil
	}
	sent := &proxyproto.TLS{
		ServerName: t.ServerName, ALPN: t.ALPN, Version: tlsconf.VersionName(t.Version), Cipher: ciphers.Name(t.CipherSuite),
		CommonName:     certtext.Certificate(t.Certificate).CommonName(),
		HasCertificate: t.Certificate != nil, Resumed: t.Resumed,
	}
	if t.Own != nil {
		sent.SignatureAlgorithm, sent.KeyAlgorithm = certtext.SignatureAlgorithm(t.Own), certtext.KeyAlgorithm(t.Own)
	}
	if t.VerifyError != nil {
		sent.VerifyCode = uint32(t.VerifyError.Code)
	}
	return sent
}
