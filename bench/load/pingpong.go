//go:build linux

package load

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A PingPong makes every session publish, wait for the echo, and publish again. An operation is a
// round trip.
type PingPong struct {
	Sessions   int
	RoundTrips int // total of all sessions, at least one each
	Size       int // of the PUBLISH, in bytes
}

// Run runs the round trips on the target. It returns early, with an error, if ctx ends or a session
// fails.
func (p PingPong) Run(ctx context.Context, t *Target) (Result, error) {
	ping, err := publishOf(p.Size)
	if err != nil {
		return Result{}, err
	}
	d, err := newDialer(t)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	all, err := d.openAll(ctx, p.Sessions, echoed)
	if err != nil {
		return Result{}, err
	}
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	r := pingPongRun{PingPong: p, dialer: d, ping: ping}
	if err := r.run(ctx, all); err != nil {
		return Result{}, err
	}
	return span.end(float64(r.done), &r.latency)
}

type pingPongRun struct {
	PingPong
	*dialer
	ping       []byte
	sent, done int
	latency    Histogram
}

func (r *pingPongRun) run(ctx context.Context, all []*client) error {
	for _, c := range all {
		if err := r.serve(c); err != nil {
			return err
		}
	}
	for r.done < r.sent {
		if err := r.each(tick, r.advance); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d round trips: %w", r.done, r.RoundTrips, ctx.Err())
		}
	}
	return nil
}

// serve begins a round trip.
func (r *pingPongRun) serve(c *client) error {
	c.got, c.started = 0, time.Now()
	r.sent++
	return c.send(r.ping)
}

func (r *pingPongRun) advance(c *client, ev *unix.EpollEvent) error {
	if err := c.flush(); err != nil {
		return err
	}
	if !readable(ev) {
		return nil
	}
	back := false
	if err := r.expect(c, r.ping, &back); err != nil || !back {
		return err
	}
	r.latency.Add(time.Since(c.started))
	r.done++
	if r.sent >= r.RoundTrips {
		return nil
	}
	return r.serve(c)
}
