//go:build !linux

package runtime

import (
	"errors"

	"weir/directives"
	"weir/stream"
	"weir/stream/driver/goroutine"
)

// loopsOf returns 1: the driver accepts in one place.
func loopsOf(*directives.Main, groupLimits) int { return 1 }

// newDriver returns the driver for systems without epoll.
func newDriver(env *stream.Env, _ *directives.Main, _ int) (stream.Driver, error) {
	return drivers{goroutine.New(env), noDatagrams{}}, nil
}

// resize does nothing.
func resize(stream.Driver, *directives.Main, int) error { return nil }

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
