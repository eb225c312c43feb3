package loop_test

import (
	"testing"

	"weir/stream"
	"weir/stream/loop"
	"weir/stream/streamtest"
)

func TestContract(t *testing.T) {
	streamtest.Driver(t, "loop", func(env *stream.Env) stream.Driver {
		d, err := loop.New(env, loop.Options{Loops: 2})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}
