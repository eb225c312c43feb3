//go:build linux

package load

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A Ping makes many idle sessions send PINGREQs at a steady total rate, as a fleet does to keep its
// connections alive. An operation is a PINGREQ with its PINGRESP.
type Ping struct {
	Sessions int
	Pings    int           // total of all sessions
	Rate     int           // pings a second, total of all sessions
	Settle   time.Duration // from the last CONNACK to the first ping
}

// Run pings through the target. It returns early, with an error, if ctx ends or a session fails.
func (p Ping) Run(ctx context.Context, t *Target) (Result, error) {
	d, err := newDialer(t)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	all, err := d.openAll(ctx, p.Sessions, echoed)
	if err != nil {
		return Result{}, err
	}
	if err := sleep(ctx, p.Settle); err != nil {
		return Result{}, err
	}
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	r := pingRun{Ping: p, dialer: d, all: all, waiting: make([]bool, len(all))}
	if err := r.run(ctx); err != nil {
		return Result{}, err
	}
	return span.end(float64(r.done), &r.latency)
}

type pingRun struct {
	Ping
	*dialer
	all        []*client
	waiting    []bool // for an answer, by session
	sent, done int
	latency    Histogram
}

func (r *pingRun) run(ctx context.Context) error {
	begin := time.Now()
	for r.done < r.Pings {
		due := int(time.Since(begin).Seconds() * float64(r.Rate))
		if err := r.ping(min(due, r.Pings)); err != nil {
			return err
		}
		if err := r.each(pace, r.advance); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d pings answered: %w", r.done, r.Pings, ctx.Err())
		}
	}
	return nil
}

// ping sends pings, each session in its turn, until due have been sent or a session still waits for its last answer.
func (r *pingRun) ping(due int) error {
	for r.sent < due {
		c := r.all[r.sent%len(r.all)]
		if r.waiting[c.n] {
			return nil
		}
		r.waiting[c.n], c.started = true, time.Now()
		if err := c.send(pingreq); err != nil {
			return fmt.Errorf("session %d: %w", c.n+1, err)
		}
		r.sent++
	}
	return nil
}

func (r *pingRun) advance(c *client, ev *unix.EpollEvent) error {
	if err := c.flush(); err != nil {
		return err
	}
	if !readable(ev) {
		return nil
	}
	back := false
	if err := r.expect(c, pingresp, &back); err != nil || !back {
		return err
	}
	r.latency.Add(time.Since(c.started))
	r.waiting[c.n] = false
	r.done++
	return nil
}
