//go:build !linux

package runtime

import (
	"weir/directives"
	"weir/stream"
	"weir/stream/pump"
)

// newDriver returns the driver for systems without epoll.
func newDriver(env *stream.Env, _ *directives.Main) (stream.Driver, error) { return pump.New(env), nil }
