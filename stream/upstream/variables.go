package upstream

import (
	"strconv"
	"time"

	"weir/stream"
)

// Variables returns the variables of the module. Each lists one value for every attempt of the
// session, joined by ", "; without an attempt it is not found.
//
// See https://nginx.org/en/docs/stream/ngx_stream_upstream_module.html#variables.
func Variables() []stream.Variable {
	return []stream.Variable{
		perTry("upstream_addr", func(b []byte, t *stream.Try) []byte { return append(b, t.Name...) }),
		perTry("upstream_bytes_received", func(b []byte, t *stream.Try) []byte { return strconv.AppendInt(b, t.Received, 10) }),
		perTry("upstream_bytes_sent", func(b []byte, t *stream.Try) []byte { return strconv.AppendInt(b, t.Sent, 10) }),
		perTry("upstream_connect_time", func(b []byte, t *stream.Try) []byte { return appendTime(b, t.Connect) }),
		perTry("upstream_first_byte_time", func(b []byte, t *stream.Try) []byte { return appendTime(b, t.FirstByte) }),
		perTry("upstream_session_time", func(b []byte, t *stream.Try) []byte { return appendTime(b, t.Total) }),
		lastAddr(),
	}
}

func perTry(name string, appendOne func([]byte, *stream.Try) []byte) stream.Variable {
	appendAll := func(s *stream.Session, b []byte) ([]byte, bool) {
		for i := range s.Tries {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendOne(b, &s.Tries[i])
		}
		return b, len(s.Tries) > 0
	}
	return stream.Variable{Name: name, NoCache: true, Append: appendAll, Get: func(s *stream.Session) (string, bool) {
		b, ok := appendAll(s, nil)
		return string(b), ok
	}}
}

// lastAddr is $upstream_last_addr, the server of the last attempt.
func lastAddr() stream.Variable {
	return stream.Variable{Name: "upstream_last_addr", NoCache: true, Get: func(s *stream.Session) (string, bool) {
		if len(s.Tries) == 0 {
			return "", false
		}
		return s.Tries[len(s.Tries)-1].Name, true
	}}
}

// appendTime appends a time of an attempt, or a hyphen if the attempt did not reach that point.
func appendTime(b []byte, d time.Duration) []byte {
	if d < 0 {
		return append(b, '-')
	}
	return stream.AppendSeconds(b, d)
}
