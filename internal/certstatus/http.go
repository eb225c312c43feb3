package certstatus

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"weir/internal/ascii"
)

// maxResponse is the largest response with its header, as in nginx.
const maxResponse = 16384

var (
	errInvalid   = errors.New("OCSP responder sent invalid response")
	errPremature = errors.New("OCSP responder prematurely closed connection")
	errTooLarge  = errors.New("OCSP responder sent too large response")
)

// httpRequest returns the request to a responder. It follows ngx_ssl_ocsp_create_request.
func httpRequest(r *Responder, der []byte) []byte {
	path := r.Path
	if path == "" {
		path = "/"
	}
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return []byte("GET " + path + url.QueryEscape(base64.StdEncoding.EncodeToString(der)) +
		" HTTP/1.0\r\nHost: " + r.Host + "\r\n\r\n")
}

// A head is the header of a response.
type head struct {
	code   int
	length int // of the body; -1 if it ends with the connection
	size   int // of the header
}

// parseHead returns the header at the start of data, and false if it is not complete. The error is
// nginx's sentence. It follows ngx_ssl_ocsp_process_status_line and ngx_ssl_ocsp_process_headers.
func parseHead(data []byte) (h head, complete bool, err error) {
	h.length = -1
	line, rest, complete := nextLine(data)
	if !complete {
		return h, false, nil
	}
	if h.code, err = parseStatusLine(line); err != nil {
		return h, false, err
	}
	for {
		if line, rest, complete = nextLine(rest); !complete {
			return h, false, nil
		}
		if line == "" {
			h.size = len(data) - len(rest)
			return h, true, nil
		}
		if err := h.add(line); err != nil {
			return h, false, err
		}
	}
}

// nextLine returns the first line of data without its end.
func nextLine(data []byte) (line string, rest []byte, complete bool) {
	before, rest, complete := bytes.Cut(data, []byte{'\n'})
	return strings.TrimSuffix(string(before), "\r"), rest, complete
}

// parseStatusLine returns the code in a line such as "HTTP/1.1 200 OK".
func parseStatusLine(line string) (int, error) {
	version, rest, found := strings.Cut(line, " ")
	major, minor, hasMinor := strings.Cut(strings.TrimPrefix(version, "HTTP/"), ".")
	digits := strings.TrimLeft(rest, " ")
	if !found || !hasMinor || !strings.HasPrefix(version, "HTTP/") || !isNumber(major) || major[0] == '0' || !isNumber(minor) ||
		len(digits) < 3 || !isNumber(digits[:3]) {
		return 0, errInvalid
	}
	if after := digits[3:]; after != "" && after[0] != ' ' && after[0] != '.' {
		return 0, errInvalid
	}
	return strconv.Atoi(digits[:3])
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// add evaluates a line of the header.
func (h *head) add(line string) error {
	name, value, _ := strings.Cut(line, ":")
	if !isHeaderName(name) {
		return errInvalid
	}
	value = strings.Trim(value, " ")
	switch {
	case ascii.EqualFold(name, "Content-Type") && !ascii.EqualFold(value, "application/ocsp-response"):
		return fmt.Errorf("OCSP responder sent invalid \"Content-Type\" header: \"%s\"", value)
	case ascii.EqualFold(name, "Content-Length"):
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return errInvalid
		}
		h.length = int(n)
	}
	return nil
}

func isHeaderName(name string) bool {
	isOther := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-')
	}
	return name != "" && name[0] != '-' && !strings.ContainsFunc(name, isOther)
}
