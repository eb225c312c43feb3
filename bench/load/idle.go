//go:build linux

package load

import (
	"context"
	"fmt"
	"time"
)

// An Idle opens sessions and holds them. An operation is a session. The measurement begins before
// the first session is opened, so that its meter includes the cost of all.
type Idle struct {
	Sessions int
	Settle   time.Duration // from the last CONNACK to the end
}

// Run opens and holds the sessions. It returns early, with an error, if ctx ends or a session
// fails.
func (i Idle) Run(ctx context.Context, t *Target) (Result, error) {
	span, err := t.begin()
	if err != nil {
		return Result{}, err
	}
	h, err := Hold(ctx, t, i.Sessions)
	if err != nil {
		return Result{}, err
	}
	defer h.Close()
	if err := sleep(ctx, i.Settle); err != nil {
		return Result{}, err
	}
	r, err := span.end(float64(i.Sessions), nil)
	if err != nil {
		return Result{}, err
	}
	return r, h.Check()
}

// sleep waits for d, or for the end of ctx, which is an error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Held are open, silent sessions.
type Held struct {
	d   *dialer
	all []*client
}

// Hold opens n sessions on the target. The caller closes them.
func Hold(ctx context.Context, t *Target, n int) (*Held, error) {
	d, err := newDialer(t)
	if err != nil {
		return nil, err
	}
	all, err := d.openAll(ctx, n, echoed)
	if err != nil {
		d.close()
		return nil, err
	}
	return &Held{d: d, all: all}, nil
}

// Check returns an error if a session has ended.
func (h *Held) Check() error {
	lost := 0
	for _, c := range h.all {
		if _, err := h.d.receive(c, 1); err != nil {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d of %d idle sessions ended by themselves", lost, len(h.all))
	}
	return nil
}

// Close ends the sessions.
func (h *Held) Close() { h.d.close() }
