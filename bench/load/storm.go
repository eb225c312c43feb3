//go:build linux

package load

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A Storm opens sessions, waits for each one's CONNACK and closes it. An operation is a session,
// its latency the time from connect to CONNACK.
type Storm struct {
	Sessions int
	AtOnce   int // sessions in flight
}

// Run puts the storm on the target. It returns early, with an error, if ctx ends or a session
// fails.
func (s Storm) Run(ctx context.Context, t *Target) (Result, error) {
	d, err := newDialer(t)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	r := stormRun{Storm: s, dialer: d}
	if err := r.run(ctx); err != nil {
		return Result{}, err
	}
	return span.end(float64(r.done), &r.latency)
}

type stormRun struct {
	Storm
	*dialer
	done    int
	latency Histogram
}

func (r *stormRun) run(ctx context.Context) error {
	for r.done < r.Sessions {
		for r.opened < r.Sessions && r.opened-r.done < r.AtOnce {
			if _, err := r.open(""); err != nil {
				return err
			}
		}
		if err := r.each(tick, r.advance); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d sessions: %w", r.done, r.Sessions, ctx.Err())
		}
	}
	return nil
}

func (r *stormRun) advance(c *client, ev *unix.EpollEvent) error {
	if err := r.handshake(c, ev); err != nil || !c.ready {
		return err
	}
	r.latency.Add(time.Since(c.started))
	r.done++
	r.drop(c)
	return nil
}
