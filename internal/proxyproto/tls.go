package proxyproto

import (
	"encoding/binary"

	"github.com/pires/go-proxyproto"
)

// TLS contains the data of a client's TLS handshake that a version 2 header has. Empty texts are left
// out.
type TLS struct {
	ServerName         string
	ALPN               string
	Version            string
	CommonName         string // of the client's certificate
	Cipher             string
	SignatureAlgorithm string // of the server's certificate
	KeyAlgorithm       string // of the server's certificate
	HasCertificate     bool   // the client has one
	Resumed            bool
	VerifyCode         uint32 // OpenSSL's result for the client's certificate
}

// notVerified is OpenSSL's X509_V_ERR_UNSPECIFIED, which is sent for a client without a certificate.
const notVerified = 1

// Bits of the TLV about TLS.
const (
	clientTLS         = 1 << iota
	clientCertConn    // the client presented a certificate in this handshake
	clientCertSession // the client presented a certificate in the handshake that began the session
)

// appendTLVs follows ngx_proxy_protocol_v2_eval_ssl and ngx_proxy_protocol_v2_write_ssl.
func (t *TLS) appendTLVs(b []byte) []byte {
	if t == nil {
		return b
	}
	b = appendText(b, proxyproto.PP2_TYPE_AUTHORITY, t.ServerName)
	b = appendText(b, proxyproto.PP2_TYPE_ALPN, t.ALPN)
	return appendText(b, proxyproto.PP2_TYPE_SSL, string(t.appendSSL(nil)))
}

func (t *TLS) appendSSL(b []byte) []byte {
	flags, verify := byte(clientTLS), uint32(notVerified)
	if t.HasCertificate {
		flags |= clientCertSession
		verify = t.VerifyCode
		if !t.Resumed {
			flags |= clientCertConn
		}
	}
	b = binary.BigEndian.AppendUint32(append(b, flags), verify)
	b = appendText(b, proxyproto.PP2_SUBTYPE_SSL_VERSION, t.Version)
	b = appendText(b, proxyproto.PP2_SUBTYPE_SSL_CN, t.CommonName)
	b = appendText(b, proxyproto.PP2_SUBTYPE_SSL_CIPHER, t.Cipher)
	b = appendText(b, proxyproto.PP2_SUBTYPE_SSL_SIG_ALG, t.SignatureAlgorithm)
	return appendText(b, proxyproto.PP2_SUBTYPE_SSL_KEY_ALG, t.KeyAlgorithm)
}

func appendText(b []byte, kind proxyproto.PP2Type, text string) []byte {
	if text == "" {
		return b
	}
	return appendTLV(b, byte(kind), text)
}

func appendTLV(b []byte, kind byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(append(b, kind), uint16(len(text))), text...)
}
