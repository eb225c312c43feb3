package runtime

import (
	"errors"

	"weir/stream"
)

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
