//go:build !linux

package runtime

import (
	"errors"

	"weir/directives"
	"weir/stream"
	"weir/stream/driver/goroutine"
)

// newDriver returns the driver for systems without epoll. It accepts in one place.
func newDriver(env *stream.Env, _ *directives.Main, _ groupLimits) (stream.Driver, int, error) {
	return drivers{goroutine.New(env), noDatagrams{}}, 1, nil
}

// noDatagrams is the datagram driver on systems that have none.
type noDatagrams struct{}

// Listen fails with ErrUnsupported.
func (noDatagrams) Listen(*stream.Listener) error { return errors.ErrUnsupported }

// Forget does nothing.
func (noDatagrams) Forget(*stream.Listener) {}

// Abort does nothing.
func (noDatagrams) Abort(func(*stream.Session) bool, *stream.Budget) {}

// Close does nothing.
func (noDatagrams) Close() error { return nil }
