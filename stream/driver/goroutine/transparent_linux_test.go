package goroutine_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/goroutine"
	"weir/stream/streamtest"
)

func TestTransparent(t *testing.T) {
	streamtest.Transparent(t, func(env *stream.Env) stream.Driver { return goroutine.New(env) })
}
