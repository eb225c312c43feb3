package upstream

import (
	"time"

	"weir/stream"
)

// A settled is a Group as the Picker of a session whose connection is up. What then happens to the connection is no failure of the
// peer's.
type settled Group

func (g *settled) Group() string { return g.Name }

func (g *settled) Tries() int { return 0 }

func (g *settled) Pick() (*Peer, error) { return nil, ErrNoLivePeers }

func (g *settled) Notify(*Peer, Notice, time.Duration) {}

func (g *settled) Settle() Picker { return g }

func (g *settled) Free(p *Peer, _ Outcome, t *stream.Try) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.release()
	(*Group)(g).learn(p, t)
	p.succeed()
}
