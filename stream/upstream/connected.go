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
	if p.state.zoned == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p.countNotice(n, took)
}

func (g *connectedPicker) Established() Picker { return g }

// Free uses no clock of a session: the group of a peer with statistics has its own.
func (g *connectedPicker) Free(p *Peer, _ Outcome, t *stream.Try) {
	now := (*Group)(g).now()
	g.mu.Lock()
	defer g.mu.Unlock()
	p.release()
	(*Group)(g).recordTime(p, t)
	p.countTry(t)
	p.succeed(now)
}
