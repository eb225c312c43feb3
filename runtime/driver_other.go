//go:build !linux

package runtime

import (
	"weir/directives"
	"weir/stream"
	"weir/stream/pump"
)

// newDriver returns the driver for systems without epoll, which accepts in one place.
func newDriver(env *stream.Env, _ *directives.Main) (stream.Driver, int, error) {
	return pump.New(env), 1, nil
}
