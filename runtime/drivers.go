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

// Abort ends the sessions that match.
func (d drivers) Abort(match func(*stream.Session) bool, b *stream.Budget) {
	d.connections.Abort(match, b)
	d.datagrams.Abort(match, b)
}

// Close ends all sessions at once.
func (d drivers) Close() error { return errors.Join(d.connections.Close(), d.datagrams.Close()) }
