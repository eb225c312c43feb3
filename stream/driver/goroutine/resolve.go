package goroutine

import (
	"context"
	"errors"

	"weir/stream"
)

// resolve waits for the answer to the step's Lookup.
func (c *session) resolve(step stream.Step) stream.Event {
	ctx, cancel := c.dialContext(step.Deadline)
	defer c.dialed(cancel)
	unwatch := c.watchClient(step.Max, cancel)
	answered := make(chan struct{}, 1)
	stop := step.Lookup.Begin(func() { answered <- struct{}{} })
	defer stop()
	ev := c.await(ctx, answered)
	unwatch()
	return ev
}

// await returns the event that ends a step Resolve, or a step Pause, which has no answer.
func (c *session) await(ctx context.Context, answered <-chan struct{}) stream.Event {
	if c.woken() {
		return noEvent
	}
	select {
	case <-answered:
		return stream.Event{Kind: stream.Resolved}
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !c.woken() {
		return stream.Event{Kind: stream.TimedOut}
	}
	return noEvent
}

// pause waits for the step's deadline.
func (c *session) pause(step stream.Step) stream.Event {
	ctx, cancel := c.dialContext(step.Deadline)
	defer c.dialed(cancel)
	unwatch := c.watchClient(step.Max, cancel)
	ev := c.await(ctx, nil)
	unwatch()
	return ev
}
