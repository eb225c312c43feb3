package epoll_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/epoll"
)

func TestContract(t *testing.T) {
	drivertest.Driver(t, "loop", newDriver(t, epoll.Options{Loops: 2}))
	drivertest.TLS(t, "workers", newDriver(t, epoll.Options{Loops: 2, Workers: 2, Expensive: 1}))
	one := func(int) []int { return []int{0} }
	drivertest.TLS(t, "bound to a processor", newDriver(t, epoll.Options{Loops: 2, Workers: 2, Expensive: 1, CPUs: one}))
}

// newDriver returns a function that starts a driver.
func newDriver(t *testing.T, o epoll.Options) func(env *stream.Env) stream.Driver {
	t.Helper()
	return func(env *stream.Env) stream.Driver {
		d, err := epoll.New(env, o)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}
