package goroutine_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/goroutine"
)

func TestContract(t *testing.T) {
	drivertest.Driver(t, "goroutine", func(env *stream.Env) stream.Driver { return goroutine.New(env) })
}
