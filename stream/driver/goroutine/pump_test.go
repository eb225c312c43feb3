package goroutine_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/goroutine"
	"weir/stream/streamtest"
)

func TestContract(t *testing.T) {
	streamtest.Driver(t, "pump", func(env *stream.Env) stream.Driver { return goroutine.New(env) })
}
