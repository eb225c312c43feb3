package epoll

import (
	"time"

	"weir/internal/relay"
)

// pace limits the rate at which one side is read.
type pace struct {
	meter relay.Meter
	timer relay.Timer[*half] // timer of a pause
}

// startPaces sets up the rate limits of the relay.
func (c *conn) startPaces() {
	c.client.limit(c.spec.Upload)
	c.up.limit(c.spec.Download)
}

func (h *half) limit(rate int64) {
	if rate <= 0 {
		return
	}
	h.pace = &pace{meter: relay.NewMeter(rate, h.c.l.now)}
	h.pace.timer.Owner = h
}

// allow returns how many of size bytes may be read now; if 0, it begins a pause.
func (p *pace) allow(h *half, size int) int {
	n, wait := p.meter.Read(h.c.l.now, h.count(), size)
	if n == 0 {
		p.pause(h, wait)
	}
	return n
}

// pauseAfter begins the pause for n bytes read from the side. As in ngx_stream_proxy_process, it follows
// each read.
func (h *half) pauseAfter(n int) {
	if h.pace == nil {
		return
	}
	if wait := h.pace.meter.After(n); wait > 0 {
		h.pace.pause(h, wait)
	}
}

func (p *pace) pause(h *half, wait time.Duration) { h.c.l.pauses.Set(&p.timer, h.c.l.now.Add(wait)) }

// resume continues after a pause. The idle timeout starts again, because no data could move during
// the pause.
func (h *half) resume() {
	c := h.c
	c.active = c.l.stamp
	if c.carry(h) {
		c.relayed()
	}
}

// paused reports whether the side waits for its rate.
func (h *half) paused() bool { return h.pace != nil && h.pace.timer.Filed() }

// paused reports whether either side waits for its rate.
func (c *conn) paused() bool { return c.client.paused() || c.up.paused() }

// count returns how many bytes have been read from the side.
func (h *half) count() int64 {
	if h.isUp {
		return h.c.s.Traffic.FromUpstream.Load()
	}
	return h.c.s.Traffic.FromClient.Load()
}
