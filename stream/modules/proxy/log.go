package proxy

import (
	"weir/internal/connecterror"
	"weir/internal/errorlog"
	"weir/internal/relay"
	"weir/stream"
)

// connectLevel is the level at which ngx_event_connect_peer logs a connect that failed in the call.
func connectLevel(err error) errorlog.Level {
	if connecterror.IsUnreachable(err) {
		return stream.LevelError
	}
	return stream.LevelCrit
}

// logRelayFailure logs that a read or write failed on an established connection.
func (r *run) logRelayFailure(s *stream.Session, ev stream.Event) {
	s.SetLogAction(relayDoing(ev))
	s.LogFailure(ev)
	s.SetLogAction(stream.Proxying)
}

func relayDoing(ev stream.Event) stream.LogAction {
	reading := ev.Op == stream.OpRecv
	switch {
	case reading && ev.Side == stream.ClientSide:
		return stream.ReadingFromClient
	case reading:
		return stream.ReadingFromUpstream
	case ev.Side == stream.ClientSide:
		return stream.SendingToClient
	}
	return stream.SendingToUpstream
}

// removedText is the message about a session whose server has left the group.
const removedText = "upstream server removed from group"

// udp returns the word that nginx puts before log messages about datagrams.
func udp(s *stream.Session) string {
	if s.UDP() {
		return "udp "
	}
	return ""
}

// logEnd logs how the relay of a connection ended, at level info.
func (r *run) logEnd(s *stream.Session) {
	if !s.LogEnabled(stream.LevelInfo) {
		return
	}
	switch s.Traffic.End {
	case relay.Timeout:
		s.Log(stream.LevelInfo, "connection timed out", stream.ErrTimedOut)
	case relay.Dropped:
		s.Log(stream.LevelInfo, removedText, nil)
	case relay.ClientEOF, relay.ClientError:
		logClientGone(s)
	case relay.UpstreamEOF, relay.UpstreamError:
		s.LogPlain(stream.LevelInfo, string(s.AppendTraffic([]byte("upstream disconnected, "))))
	}
}

// logClientGone logs that the client ended the session, at level info.
func logClientGone(s *stream.Session) {
	if s.LogEnabled(stream.LevelInfo) {
		s.LogPlain(stream.LevelInfo, string(s.AppendTraffic([]byte("client disconnected, "))))
	}
}
