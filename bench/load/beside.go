//go:build linux

package load

import (
	"context"
	"errors"
	"math"
)

// A Beside runs a load while a storm of sessions runs on another target. Only the load is measured.
type Beside struct {
	Load interface {
		Run(context.Context, *Target) (Result, error)
	}
	Storm Storm                   // of as many sessions as fit in the time: its Sessions is not used
	Aside func(t *Target) *Target // returns the target of the storm; t is that of the load
}

// Run returns the result of the load. It returns early, with an error, if ctx ends, or if the load or
// the storm fails.
func (b Beside) Run(ctx context.Context, t *Target) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	storm := b.Storm
	storm.Sessions = math.MaxInt
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		_, err := storm.Run(ctx, b.Aside(t))
		ended <- err
	}()
	r, err := b.Load.Run(ctx, t)
	cancel()
	if stormErr := <-ended; !errors.Is(stormErr, context.Canceled) {
		return r, stormErr
	}
	return r, err
}
