package goroutine_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/goroutine"
)

func TestTransparent(t *testing.T) {
	drivertest.Transparent(t, func(env *stream.Env) stream.Driver { return goroutine.New(env) })
}
