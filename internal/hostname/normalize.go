package hostname

import (
	"strings"

	"weir/internal/ascii"
)

// Normalize returns the host name that a client requests: lower case, no port, no trailing dot. ok
// is false if text cannot be a name. It follows ngx_stream_validate_host.
func Normalize(text string) (name string, ok bool) {
	host, port := cutPort(text)
	if !validHost(host) || !validPort(port) {
		return "", false
	}
	name = strings.TrimSuffix(host, ".")
	return ascii.ToLower(name), name != ""
}

// cutPort divides text into a name, or an IP literal in brackets, and the port with its colon.
func cutPort(text string) (host, port string) {
	end := strings.IndexByte(text, ':')
	if strings.HasPrefix(text, "[") {
		end = strings.IndexByte(text, ']') + 1
	}
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

// validHost reports whether host has the characters of a name, or of an IP literal, in RFC 3986.
func validHost(host string) bool {
	text, other := host, byte('%')
	if literal, ok := strings.CutPrefix(host, "["); ok {
		text, other = strings.TrimSuffix(literal, "]"), ':'
	}
	for i := range len(text) {
		if c := text[i]; !isNameByte(c) && c != other {
			return false
		}
	}
	return !strings.Contains(host, "..")
}

// isNameByte reports whether c is an unreserved character or a sub-delimiter, RFC 3986, 2.2 and 2.3.
func isNameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,;=", c) >= 0
}

// validPort reports whether port is empty, or a colon with a number up to 65535 or nothing after it.
func validPort(port string) bool {
	digits, ok := strings.CutPrefix(port, ":")
	if !ok || digits == "" {
		return port == "" || ok
	}
	if strings.Trim(digits, "0123456789") != "" {
		return false
	}
	significant := strings.TrimLeft(digits, "0")
	return len(significant) < 5 || len(significant) == 5 && significant <= "65535"
}
