package pump_test

import (
	"testing"

	"weir/stream"
	"weir/stream/pump"
	"weir/stream/streamtest"
)

func TestTransparent(t *testing.T) {
	streamtest.Transparent(t, func(env *stream.Env) stream.Driver { return pump.New(env) })
}
