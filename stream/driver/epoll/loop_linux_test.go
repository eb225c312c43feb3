package epoll_test

import (
	"fmt"
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/epoll"
)

func TestContract(t *testing.T) {
	for _, workers := range []int{0, 2} {
		drivertest.Driver(t, fmt.Sprintf("loop with %d workers", workers), func(env *stream.Env) stream.Driver {
			d, err := epoll.New(env, epoll.Options{Loops: 2, Workers: workers, Expensive: 1})
			if err != nil {
				t.Fatal(err)
			}
			return d
		})
	}
}
