package pump_test

import (
	"testing"

	"weir/stream"
	"weir/stream/pump"
	"weir/stream/streamtest"
)

func TestContract(t *testing.T) {
	streamtest.Driver(t, "pump", func(env *stream.Env) stream.Driver { return pump.New(env) })
}
