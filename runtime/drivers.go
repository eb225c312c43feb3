package runtime

import (
	"errors"

	"weir/stream"
)

// handoffDriver combines a driver with the one that adopts its sessions when they need a handshake. Calls
// for all sessions go to the first before the second, so that no session in transit is missed.
type handoffDriver struct {
	stream.Driver
	adopter stream.Driver
}

// Abort ends the sessions that match. Each driver applies the pace separately.
func (d handoffDriver) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.Driver.Abort(match, pace)
	d.adopter.Abort(match, pace)
}

// Close ends all sessions at once.
func (d handoffDriver) Close() error { return errors.Join(d.Driver.Close(), d.adopter.Close()) }

// drivers combines a driver for connections and a driver for datagrams.
type drivers struct{ connections, datagrams stream.Driver }

func (d drivers) of(p *stream.Listener) stream.Driver {
	if p.Datagrams {
		return d.datagrams
	}
	return d.connections
}

// Listen begins to accept on p.
func (d drivers) Listen(p *stream.Listener) error { return d.of(p).Listen(p) }

// Forget stops accepting on p.
func (d drivers) Forget(p *stream.Listener) { d.of(p).Forget(p) }

// Abort ends the sessions that match. Each driver applies the pace separately.
func (d drivers) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.connections.Abort(match, pace)
	d.datagrams.Abort(match, pace)
}

// Close ends all sessions at once.
func (d drivers) Close() error { return errors.Join(d.connections.Close(), d.datagrams.Close()) }
