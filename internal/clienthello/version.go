package clienthello

// Version is a protocol version as it is sent, major version first. The zero Version is unknown.
type Version [2]byte

// version13 is TLS 1.3, which a client offers in the extension supported_versions.
var version13 = Version{3, 4}

// String returns the version as SSL_get_version of OpenSSL spells it, or an empty string for an
// unknown version.
func (v Version) String() string {
	switch v {
	case Version{0, 2}:
		return "SSLv2"
	case Version{3, 0}:
		return "SSLv3"
	case Version{3, 1}:
		return "TLSv1"
	case Version{3, 2}:
		return "TLSv1.1"
	case Version{3, 3}:
		return "TLSv1.2"
	case version13:
		return "TLSv1.3"
	}
	return ""
}
