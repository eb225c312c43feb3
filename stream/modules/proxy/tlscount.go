package proxy

import (
	"errors"

	"weir/internal/certverify"
	"weir/internal/tlsconf"
	"weir/stream"
	"weir/stream/status"
)

// tlsCounters returns the counters of the handshake with the session's server: of the peer, and of the
// process. Either may be nil.
func (r *run) tlsCounters(s *stream.Session) [2]*status.TLS {
	return [...]*status.TLS{r.peer.TLS(), s.Env.TLSCounters()}
}

// countHandshake counts the end of the handshake.
func (r *run) countHandshake(s *stream.Session, ev stream.Event) {
	for _, c := range r.tlsCounters(s) {
		switch ev.Kind {
		case stream.HandshakeDone:
			c.Done(ev.TLS.DidResume)
		case stream.TimedOut:
			c.TimedOut()
		default:
			c.Failed(ev.Err)
		}
	}
}

// countRefusal counts the reason why the server is refused after its handshake.
func (r *run) countRefusal(s *stream.Session, err error) {
	refused, ok := errors.AsType[*tlsconf.UpstreamError](err)
	if !ok {
		return
	}
	for _, c := range r.tlsCounters(s) {
		if refused.Code == certverify.OK {
			c.WrongHost()
			continue
		}
		c.Unverified(refused.Code)
	}
}
