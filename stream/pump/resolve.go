package pump

import "weir/stream"

// resolve waits for the answer to the step's Lookup.
func (c *carrier) resolve(step stream.Step) stream.Event {
	ctx, cancel := c.dialContext(step.Deadline)
	defer c.dialed(cancel)
	if c.woken() {
		return none
	}
	answered := make(chan struct{}, 1)
	stop := step.Lookup.Begin(func() { answered <- struct{}{} })
	defer stop()
	select {
	case <-answered:
		return stream.Event{Kind: stream.Resolved}
	case <-ctx.Done():
	}
	if c.woken() {
		return none
	}
	return stream.Event{Kind: stream.TimedOut}
}
