package loop_test

import (
	"testing"

	"weir/stream"
	"weir/stream/loop"
	"weir/stream/streamtest"
)

func TestTransparent(t *testing.T) {
	streamtest.Transparent(t, func(env *stream.Env) stream.Driver {
		d, err := loop.New(env, loop.Options{Loops: 1})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}
