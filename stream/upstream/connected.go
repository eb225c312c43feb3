package upstream

import (
	"time"

	"weir/stream"
)

// connectedPicker is the Picker after the connection is established. Later errors do not count as
// failures of the peer.
type connectedPicker Group

func (g *connectedPicker) Group() *Group { return (*Group)(g) }

func (g *connectedPicker) Tries() int { return 0 }

func (g *connectedPicker) Pick() (*Peer, error) { return nil, ErrNoLivePeers }

func (g *connectedPicker) Leave() {}

func (g *connectedPicker) Notify(p *Peer, n Notice, took time.Duration) {
	z := p.state.zoned
	if z == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	z.countNotice(n, took)
}

func (g *connectedPicker) Established() Picker { return g }

func (g *connectedPicker) Free(p *Peer, _ Outcome, t *stream.Try) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.release()
	(*Group)(g).recordTime(p, t)
	p.countTry(t)
	(*Group)(g).succeed(p)
}
