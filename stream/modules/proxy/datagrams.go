package proxy

import (
	"strconv"

	"weir/internal/relay"
	"weir/stream"
)

// exchanged ends a session of datagrams after its relay. It follows ngx_stream_proxy_process_connection and
// ngx_stream_proxy_test_finalize.
func (r *run) exchanged(s *stream.Session, p *relay.Packets) stream.Step {
	switch s.Traffic.End {
	case relay.Timeout:
		if r.Relay.Missing(*p) {
			s.Log(stream.LevelError, "upstream timed out", stream.ErrTimedOut)
			r.broken = true
			return r.finish(s, stream.StatusBadGateway)
		}
		logExchange(s, "udp timed out", p)
	case relay.Done:
		logExchange(s, "udp done", p)
	case relay.Shutdown:
		s.LogPlain(stream.LevelInfo, "disconnected on shutdown")
	}
	return r.finish(s, stream.StatusOK)
}

// logExchange logs how the exchange ended, and its numbers of datagrams and bytes.
func logExchange(s *stream.Session, how string, p *relay.Packets) {
	if !s.LogEnabled(stream.LevelInfo) {
		return
	}
	b := append([]byte(how), ", packets from/to client:"...)
	b = strconv.AppendInt(b, int64(p.Requests), 10)
	b = strconv.AppendInt(append(b, '/'), int64(p.Responses), 10)
	s.LogPlain(stream.LevelInfo, string(s.AppendTraffic(append(b, ", "...))))
}
