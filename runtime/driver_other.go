//go:build !linux

package runtime

import (
	"errors"

	"weir/directives"
	"weir/stream"
	"weir/stream/driver/goroutine"
)

// newDriver returns the driver for systems without epoll, which accepts in one place.
func newDriver(env *stream.Env, _ *directives.Main, _ groupLimits) (stream.Driver, int, error) {
	return drivers{goroutine.New(env), noDatagrams{}}, 1, nil
}

// noDatagrams is the driver of datagrams where there is none.
type noDatagrams struct{}

// Listen refuses.
func (noDatagrams) Listen(*stream.Listener) error { return errors.ErrUnsupported }

// Forget has nothing to do.
func (noDatagrams) Forget(*stream.Listener) {}

// Abort has nothing to do.
func (noDatagrams) Abort(func(*stream.Session) bool, stream.Pace) {}

// Close has nothing to do.
func (noDatagrams) Close() error { return nil }
