package healthcheck

import (
	"context"
	"time"

	"weir/internal/connecterror"
	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/upstream"
)

// An exchange is one check of one server.
type exchange struct {
	target *target
	check  *Check
	peer   *upstream.Peer
	addr   stream.Addr
	end    time.Time // the deadline
	socket           // of the non-blocking sockets

	cancel  context.CancelFunc // of the goroutine; nil if there is none
	outcome outcome            // once the exchange has ended
}

// An outcome is the result of an exchange.
type outcome struct {
	verdict Verdict
	during  string // the action that has ended the exchange, for logs
	level   errorlog.Level
	message string // empty if there is nothing to log
	err     error  // the system's reason, or nil
}

// The actions of an exchange in the log.
const (
	connecting  = "connecting to upstream"
	handshaking = "SSL handshaking to upstream"
	sending     = "sending to upstream"
	reading     = "reading from upstream"
	judging     = "checking response"
	reaching    = "checking connection"
)

// judge asks the probe for the verdict about the response so far, and reports whether the exchange
// has ended.
func (x *exchange) judge(response []byte, end End) bool {
	if end == Open && len(response) >= x.check.limit() {
		end = Full
	}
	v, reason := x.check.Probe.Judge(response, end)
	x.outcome = outcome{verdict: v, during: judging, level: errorlog.Error, message: reason}
	switch {
	case v != Pending:
		if len(response) == 0 {
			x.outcome.during = reaching
		}
	case end == Closed:
		x.outcome = failure(reading, "upstream prematurely closed connection", nil)
	case end == Expired:
		x.outcome = timeout(reading)
	default:
		return false
	}
	return true
}

// timeout returns the outcome of an exchange whose time is over.
func timeout(during string) outcome { return failure(during, "upstream timed out", stream.ErrTimedOut) }

func failure(during, message string, err error) outcome {
	return outcome{verdict: Failed, during: during, level: errorlog.Error, message: message, err: err}
}

// skipped returns the outcome of an exchange that this machine could not begin.
func skipped(message string, err error) outcome {
	level := errorlog.Crit
	if connecterror.IsShortage(err) {
		level = errorlog.Alert
	}
	return outcome{verdict: Skipped, during: connecting, level: level, message: message, err: err}
}

// connectFailed returns the outcome of a connection attempt. isCall is set if the call itself has
// failed, which then names the server, as in ngx_event_connect_peer.
func (x *exchange) connectFailed(err error, isCall bool) outcome {
	message := "connect() failed"
	if isCall {
		message = "connect() to " + x.addr.String() + " failed"
	}
	if connecterror.IsLocal(err, x.addr.Unix) {
		return skipped(message, err)
	}
	o := failure(connecting, message, err)
	if isCall && !connecterror.IsUnreachable(err) {
		o.level = errorlog.Crit
	}
	return o
}
