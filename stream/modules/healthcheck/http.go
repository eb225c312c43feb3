package healthcheck

import (
	"bytes"
	"fmt"
	"slices"

	"weir/stream"
)

// An HTTP asks a server for a page and checks the status of its response.
type HTTP struct {
	URI      string
	Statuses []StatusRange // that pass
	Drains   bool          // status 503 means that the server wants no new sessions
}

// A StatusRange is a range of status codes, including both ends.
type StatusRange struct{ From, To int }

func (r StatusRange) contains(code int) bool { return r.From <= code && code <= r.To }

// statusDrain is the status with which a server asks for no new sessions, such as an EMQX node that
// is being evacuated.
const statusDrain = 503

// Request implements Probe.
func (h *HTTP) Request(to stream.Addr) []byte {
	host := "localhost"
	if !to.Unix {
		host = to.String()
	}
	return []byte("GET " + h.URI + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: weir\r\nConnection: close\r\n\r\n")
}

// Farewell implements Probe.
func (h *HTTP) Farewell() []byte { return nil }

// statusLine is the length of a status line up to its code.
const statusLine = len("HTTP/1.1 200")

// Limit implements Probe. The byte after the code shows that it is complete.
func (h *HTTP) Limit() int { return statusLine + 1 }

// Judge implements Probe.
func (h *HTTP) Judge(response []byte, end End) (Verdict, string) {
	code, isComplete, isValid := statusCode(response)
	switch {
	case !isValid:
		return Failed, "invalid HTTP response"
	case !isComplete:
		return Pending, ""
	case slices.ContainsFunc(h.Statuses, func(r StatusRange) bool { return r.contains(code) }):
		return Passed, ""
	case h.Drains && code == statusDrain:
		return Drain, ""
	}
	return Failed, fmt.Sprintf("HTTP status %d", code)
}

// statusCode reads the status code of the response that begins with b: RFC 9112, section 4. isValid
// is false once b cannot be the beginning of a response.
func statusCode(b []byte) (code int, isComplete, isValid bool) {
	const pattern = "HTTP/1.# ###" // # is a digit
	for i, c := range b[:min(len(b), len(pattern))] {
		isDigit := '0' <= c && c <= '9'
		if pattern[i] == '#' && !isDigit || pattern[i] != '#' && c != pattern[i] {
			return 0, false, false
		}
	}
	if len(b) <= statusLine {
		return 0, false, true
	}
	if !bytes.ContainsRune([]byte(" \r\n"), rune(b[statusLine])) {
		return 0, false, false
	}
	for _, c := range b[statusLine-3 : statusLine] {
		code = 10*code + int(c-'0')
	}
	return code, true, code >= 100
}
