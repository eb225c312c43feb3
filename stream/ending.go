package stream

import "weir/internal/relay"

// An Ending is the reason for the end of a session: $fleet_end. The zero Ending means that the
// session has not ended.
type Ending uint8

// The endings.
const (
	Completed             Ending = iota + 1 // all that the session had to do is done
	ClientClosed                            // the client ended its connection
	ClientReset                             // the client's connection failed
	BrokerClosed                            // the server ended its connection
	BrokerReset                             // the server's connection failed
	BrokerRemoved                           // the server has left its group
	BrokerDrained                           // the operator drains the server
	IdleTimeout                             // no data moved during proxy_timeout
	SendTimeout                             // the client did not accept the text of return
	HeaderTimeout                           // of the PROXY header
	HeaderInvalid                           // the PROXY header
	HandshakeTimeout                        // of the TLS handshake with the client
	HandshakeFailed                         // with the client
	PrereadTimeout                          // preread_timeout
	Rejected                                // by a handler, such as deny, limit_conn or the verification of a certificate
	NoBroker                                // the group has no server available
	ResolveFailed                           // the name of the server
	ConnectFailed                           // to all servers that were tried
	ConnectTimeout                          // of the last server that was tried
	BrokerHandshakeFailed                   // of the last server that was tried
	Shutdown                                // the process or the configuration ends
	InternalError                           // none of the others; the error log has the reason
	endings
)

var endingNames = [endings]string{
	Completed: "completed", ClientClosed: "client_closed", ClientReset: "client_reset", BrokerClosed: "broker_closed",
	BrokerReset: "broker_reset", BrokerRemoved: "broker_removed", BrokerDrained: "broker_drained", IdleTimeout: "idle_timeout", SendTimeout: "send_timeout",
	HeaderTimeout: "proxy_header_timeout", HeaderInvalid: "proxy_header_invalid", HandshakeTimeout: "handshake_timeout",
	HandshakeFailed: "handshake_failed", PrereadTimeout: "preread_timeout", Rejected: "rejected", NoBroker: "no_broker",
	ResolveFailed: "resolve_failed", ConnectFailed: "connect_failed", ConnectTimeout: "connect_timeout",
	BrokerHandshakeFailed: "broker_handshake_failed", Shutdown: "shutdown", InternalError: "internal_error",
}

// String returns the value of $fleet_end.
func (e Ending) String() string { return endingNames[e] }

// relayEndings are the endings of sessions whose relay has ended.
var relayEndings = [...]Ending{
	relay.ClientEOF: ClientClosed, relay.ClientError: ClientReset, relay.UpstreamEOF: BrokerClosed, relay.UpstreamError: BrokerReset,
	relay.Timeout: IdleTimeout, relay.Done: Completed, relay.Dropped: BrokerRemoved, relay.Shutdown: Shutdown, relay.Aborted: Shutdown,
}

// SetEnding sets the reason for the end that the caller expects; a later call replaces it. Without
// one, the end of the relay is the reason, or else the status.
func (s *Session) SetEnding(e Ending) { s.ending = e }

// endingOf returns the reason for the end of the session with that status.
func (s *Session) endingOf(status Status) Ending {
	switch {
	case s.ending != 0:
		return s.ending
	case s.stage == content && s.Traffic.End != 0:
		return relayEndings[s.Traffic.End]
	case status == StatusOK:
		return Completed
	case status == StatusInternal:
		return InternalError
	}
	return Rejected
}

// Ending returns the reason for the end of the session, or 0 before its end.
func (s *Session) Ending() Ending {
	if s.stage != finished {
		return 0
	}
	return s.ending
}

func fleetEnd(s *Session) (string, bool) {
	e := s.Ending()
	return e.String(), e != 0
}
