package conformance

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// clientHello returns the first message of a TLS client, which is the same whenever the options are,
// with escapes for a word in double quotes.
func (*run) clientHello(args []string) (string, error) {
	options, err := parseOptions(args, "name", "alpn", "version", "pad", "records", "first", "after")
	if err != nil {
		return "", err
	}
	n := map[string]int{"pad": 0, "records": 1 << 14, "first": 1 << 20, "after": 0}
	for option := range n {
		if text := options[option]; text != "" {
			if n[option], err = strconv.Atoi(text); err != nil {
				return "", err
			}
		}
	}
	message, err := helloMessage(options["version"], helloExtensions(options["name"], options["alpn"], n["pad"]))
	if err != nil {
		return "", err
	}
	hello := tlsRecords(message, n["records"])
	return escaped(hello[min(n["after"], len(hello)):min(n["first"], len(hello))]), nil
}

// helloMessage encodes the handshake message. A client of TLS 1.3 shows its version in an extension.
func helloMessage(version, extensions string) (string, error) {
	legacy := map[string]string{"": "\x03\x03", "1.3": "\x03\x03", "1.2": "\x03\x03", "1.1": "\x03\x02", "1.0": "\x03\x01", "3.0": "\x03\x00"}[version]
	if legacy == "" {
		return "", fmt.Errorf("unknown version %q", version)
	}
	if version == "" || version == "1.3" {
		extensions += "\x00\x2b" + sized("\x04\x03\x04\x03\x03")
	}
	body := legacy + strings.Repeat("r", 32) + "\x20" + strings.Repeat("s", 32) + sized("\x13\x01\xc0\x2b") + "\x01\x00"
	if extensions != "" {
		body += sized(extensions)
	}
	return "\x01\x00" + sized(body), nil
}

// helloExtensions encodes server_name, padding and ALPN, without those that are empty.
func helloExtensions(name, alpn string, pad int) (out string) {
	if name != "" {
		out += "\x00\x00" + sized(sized("\x00"+sized(name)))
	}
	if pad > 0 {
		out += "\x00\x15" + sized(strings.Repeat("\x00", pad))
	}
	if alpn == "" {
		return out
	}
	list := ""
	for p := range strings.SplitSeq(alpn, ",") {
		list += string([]byte{byte(len(p))}) + p
	}
	return out + "\x00\x10" + sized(sized(list))
}

// tlsRecords divides a handshake message into records of at most n bytes.
func tlsRecords(message string, n int) (out string) {
	for ; len(message) > n; message = message[n:] {
		out += "\x16\x03\x01" + sized(message[:n])
	}
	return out + "\x16\x03\x01" + sized(message)
}

// sized adds a length of two bytes.
func sized(text string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(text)))) + text
}

// escaped writes each byte as an escape.
func escaped(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, `\x%02x`, text[i])
	}
	return b.String()
}
