package runtime

import (
	"errors"

	"weir/stream"
)

// handoffDriver is a driver and the one that its sessions go over to when they need a handshake. What is to reach them all is told to the
// first before the second, so that none is missed on its way.
type handoffDriver struct {
	stream.Driver
	adopter stream.Driver
}

// Abort ends the sessions that match. Each driver keeps the pace for itself.
func (d handoffDriver) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.Driver.Abort(match, pace)
	d.adopter.Abort(match, pace)
}

// Close cuts all sessions.
func (d handoffDriver) Close() error { return errors.Join(d.Driver.Close(), d.adopter.Close()) }

// drivers are two that serve as one: one carries connections, the other datagrams.
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

// Abort ends the sessions that match. Each driver keeps the pace for itself.
func (d drivers) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.connections.Abort(match, pace)
	d.datagrams.Abort(match, pace)
}

// Close cuts all sessions.
func (d drivers) Close() error { return errors.Join(d.connections.Close(), d.datagrams.Close()) }
