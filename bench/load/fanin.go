//go:build linux

package load

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A FanIn makes many sessions publish one way at a steady rate. An operation is a message, its
// latency the time from the client's write to the broker's read.
//
// The rate makes runs comparable: without one, the result depends on how many messages a proxy
// happens to find in a read.
type FanIn struct {
	Sessions int
	Messages int // total of all sessions; rounded up to the same number for each
	Rate     int // messages a second, total of all sessions
	Size     int // of the PUBLISH, in bytes
}

// pace is the interval at which a paced test reads the clock.
const pace = time.Millisecond

// Run publishes to the target. It returns early, with an error, if ctx ends or a session fails.
func (f FanIn) Run(ctx context.Context, t *Target) (Result, error) {
	message, err := publishOf(f.Size)
	if err != nil {
		return Result{}, err
	}
	d, err := newDialer(t)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	each := (f.Messages + f.Sessions - 1) / f.Sessions
	all, err := d.openAll(ctx, f.Sessions, func(int) string { return fmt.Sprintf("stamps:%d:", each) })
	if err != nil {
		return Result{}, err
	}
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	r := fanInRun{FanIn: f, dialer: d, all: all, total: each * f.Sessions, message: message, answers: make([][]byte, len(all))}
	if err := r.run(ctx); err != nil {
		return Result{}, err
	}
	return span.end(float64(r.total), &r.latency)
}

type fanInRun struct {
	FanIn
	*dialer
	all         []*client
	message     []byte
	total, sent int
	done        int      // sessions with a complete answer
	answers     [][]byte // by session: received part of the broker's answer
	latency     Histogram
}

func (r *fanInRun) run(ctx context.Context) error {
	begin := time.Now()
	for r.done < r.Sessions {
		due := int(time.Since(begin).Seconds() * float64(r.Rate))
		if err := r.publish(min(due, r.total)); err != nil {
			return err
		}
		if err := r.each(r.pause(), r.advance); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d messages sent, %d of %d sessions complete: %w", r.sent, r.total, r.done, r.Sessions, ctx.Err())
		}
	}
	return nil
}

// publish sends messages, each session in its turn, until due have been sent or a session's socket is full.
func (r *fanInRun) publish(due int) error {
	for r.sent < due {
		c := r.all[r.sent%len(r.all)]
		if len(c.out) > 0 {
			return nil
		}
		putStamp(r.message[len(r.message)-r.payload():], time.Now())
		if err := c.send(r.message); err != nil {
			return fmt.Errorf("session %d: %w", c.n+1, err)
		}
		c.out = bytes.Clone(c.out) // the next message reuses the buffer
		r.sent++
	}
	return nil
}

// payload returns the length of a message's payload.
func (r *fanInRun) payload() int {
	p, _ := firstPacket(r.message)
	return len(p.body) - len(topic)
}

func (r *fanInRun) pause() time.Duration {
	if r.sent < r.total {
		return pace
	}
	return tick
}

func (r *fanInRun) advance(c *client, ev *unix.EpollEvent) error {
	if err := c.flush(); err != nil {
		return err
	}
	if !readable(ev) {
		return nil
	}
	p, err := r.receive(c, len(r.buf))
	if err != nil {
		return err
	}
	r.answers[c.n] = append(r.answers[c.n], p...)
	return r.answer(r.answers[c.n])
}

// answer counts the delays of a session, once the broker's answer is complete.
func (r *fanInRun) answer(p []byte) error {
	pk, err := firstPacket(p)
	if err != nil || pk.size == 0 {
		return err
	}
	delays, err := pk.payload()
	if err != nil || pk.size != len(p) || len(delays) != r.total/r.Sessions*delaySize {
		return errAnswer
	}
	r.latency.addDelays(delays)
	r.done++
	return nil
}
