package epoll_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/epoll"
)

func TestTransparent(t *testing.T) {
	drivertest.Transparent(t, func(env *stream.Env) stream.Driver {
		d, err := epoll.New(env, epoll.Options{Loops: 1})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}
