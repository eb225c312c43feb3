//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// gib is the unit of a bulk test.
const gib = 1 << 30

// A Bulk moves many bytes one way over few sessions. An operation is a GiB.
type Bulk struct {
	Sessions int
	Bytes    int64 // total of all sessions; rounded down to the same number for each
	Down     bool  // from the broker to the clients
}

// Run moves the bytes through the target. It returns early, with an error, if ctx ends or a session
// fails.
func (b Bulk) Run(ctx context.Context, t *Target) (Result, error) {
	d, err := newDialer(t)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	each := b.Bytes / int64(b.Sessions)
	all, err := d.openAll(ctx, b.Sessions, func(int) string { return b.role(each) })
	if err != nil {
		return Result{}, err
	}
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	r := bulkRun{Bulk: b, dialer: d, left: make([]int64, len(all))}
	if err := r.run(ctx, all, each); err != nil {
		return Result{}, err
	}
	return span.end(float64(each)*float64(b.Sessions)/gib, nil)
}

func (b Bulk) role(each int64) string {
	if b.Down {
		return fmt.Sprintf("source:%d:", each)
	}
	return fmt.Sprintf("sink:%d:", each)
}

type bulkRun struct {
	Bulk
	*dialer
	left []int64 // by session
	done int     // sessions
}

func (r *bulkRun) run(ctx context.Context, all []*client, each int64) error {
	for _, c := range all {
		r.left[c.n] = each
		if err := r.start(c); err != nil {
			return err
		}
	}
	for r.done < r.Sessions {
		if err := r.each(tick, r.advance); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d sessions complete: %w", r.done, r.Sessions, ctx.Err())
		}
	}
	return nil
}

func (r *bulkRun) start(c *client) error {
	if r.Down {
		return c.send(pingreq)
	}
	return r.push(c)
}

func (r *bulkRun) advance(c *client, ev *unix.EpollEvent) error {
	if r.Down {
		return r.pull(c)
	}
	if err := r.push(c); err != nil || !readable(ev) {
		return err
	}
	all := false
	if err := r.expect(c, pingresp, &all); err != nil {
		return err
	}
	if all {
		r.done++
	}
	return nil
}

// push writes until the socket is full.
func (r *bulkRun) push(c *client) error {
	if err := c.flush(); err != nil {
		return err
	}
	for r.left[c.n] > 0 {
		n, err := c.write(zeros[:min(r.left[c.n], int64(len(zeros)))])
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return err
		}
		r.left[c.n] -= int64(n)
	}
	return nil
}

// discard reads up to n bytes, without copying them if possible.
func (r *bulkRun) discard(c *client, n int) (int, error) {
	if c.tls != nil {
		return c.read(r.buf[:min(n, len(r.buf))])
	}
	return discard(c.fd, n)
}

// pull reads until the socket is empty.
func (r *bulkRun) pull(c *client) error {
	if err := c.flush(); err != nil {
		return err
	}
	for r.left[c.n] > 0 {
		n, err := r.discard(c, int(min(r.left[c.n], maxDiscard)))
		if errors.Is(err, errAgain) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return errClosed
		}
		if r.left[c.n] -= int64(n); r.left[c.n] == 0 {
			r.done++
		}
	}
	return nil
}
