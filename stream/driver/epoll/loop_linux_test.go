package epoll_test

import (
	"errors"
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/driver/epoll"
	"weir/stream/driver/goroutine"
)

// relief is a loop with an adopter, combined as in package runtime.
type relief struct {
	*epoll.Driver
	adopter stream.Driver
}

// Abort aborts both, the loop first.
func (d relief) Abort(match func(*stream.Session) bool, pace stream.Pace) {
	d.Driver.Abort(match, pace)
	d.adopter.Abort(match, pace)
}

// Close closes both, the loop first.
func (d relief) Close() error { return errors.Join(d.Driver.Close(), d.adopter.Close()) }

func TestContract(t *testing.T) {
	drivertest.Driver(t, "loop", func(env *stream.Env) stream.Driver {
		adopter := goroutine.New(env)
		d, err := epoll.New(env, epoll.Options{Loops: 2, Adopter: adopter})
		if err != nil {
			t.Fatal(err)
		}
		return relief{d, adopter}
	})
}
