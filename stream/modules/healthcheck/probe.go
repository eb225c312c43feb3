package healthcheck

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"weir/internal/regex"
	"weir/stream"
)

// A Probe is the protocol of a check. It is immutable and reads no socket.
type Probe interface {
	// Request returns the bytes that are sent to a server, or nil.
	Request(to stream.Addr) []byte
	// Limit returns the maximum number of bytes of a response that Judge needs.
	Limit() int
	// Judge returns the verdict about the response so far; the reason is logged with the verdict
	// Failed unless it is empty. It is called when the request has been sent, after each piece of
	// the response, and at its end, and must not keep the response.
	Judge(response []byte, end End) (v Verdict, reason string)
	// Farewell returns the bytes that are sent after the verdict, or nil.
	Farewell() []byte
}

// A Verdict is the result of one check.
type Verdict uint8

// The verdicts.
const (
	Pending Verdict = iota // the response is not complete
	Passed
	Failed
	Drain   // the server asks for no new sessions
	Skipped // the check has not reached the server for lack of a local resource
)

// End tells why no more of a response follows.
type End uint8

// The ends.
const (
	Open    End = iota // more may follow
	Full               // as much as may be examined has arrived
	Closed             // the server has closed the connection
	Expired            // the time is over
)

// noMatch is the reason of a response that is complete and wrong.
const noMatch = "response does not match"

// A Match is a match block. The zero Match checks that the connection is established.
type Match struct {
	Send   []byte
	Expect []byte        // the beginning of the response; nil if Regex is set or nothing is expected
	Regex  *regex.Regexp // matches anywhere in the response
}

// Request implements Probe.
func (m *Match) Request(stream.Addr) []byte { return m.Send }

// Limit implements Probe.
func (m *Match) Limit() int { return math.MaxInt }

// Farewell implements Probe.
func (m *Match) Farewell() []byte { return nil }

// Judge implements Probe.
func (m *Match) Judge(response []byte, end End) (Verdict, string) {
	switch {
	case m.Regex != nil:
		if m.Regex.Match(string(response)) {
			return Passed, ""
		}
	case len(response) >= len(m.Expect):
		if bytes.HasPrefix(response, m.Expect) {
			return Passed, ""
		}
		return Failed, noMatch
	case !bytes.HasPrefix(m.Expect, response):
		return Failed, noMatch
	}
	if end == Full {
		return Failed, noMatch
	}
	return Pending, ""
}

// datagramRequest is nginx's default request of a check with datagrams.
const datagramRequest = "nginx health check"

// A DatagramMatch is a Match for datagrams: without an expected response a server passes unless it
// refuses the request.
type DatagramMatch struct{ Match }

// Request implements Probe.
func (m *DatagramMatch) Request(stream.Addr) []byte {
	if m.Send == nil {
		return []byte(datagramRequest)
	}
	return m.Send
}

// Judge implements Probe.
func (m *DatagramMatch) Judge(response []byte, end End) (Verdict, string) {
	switch {
	case m.Expect != nil || m.Regex != nil:
		return m.Match.Judge(response, end)
	case len(response) > 0 || end != Open:
		return Passed, ""
	}
	return Pending, ""
}

// Literal returns the bytes of a string of send or expect, in which \xHH stands for one byte.
func Literal(text string) []byte {
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if c, ok := hexByte(text[i:]); ok {
			b = append(b, c)
			i += len(`\xHH`) - 1
			continue
		}
		b = append(b, text[i])
	}
	return b
}

// hexByte reads the escape at the start of text.
func hexByte(text string) (byte, bool) {
	if len(text) < len(`\xHH`) || !strings.HasPrefix(text, `\x`) {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:4], 16, 8)
	return byte(n), err == nil
}
