package runtime

import (
	"fmt"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/upstream"
)

// retire releases a generation that is not current any more: its runners end now, its sessions end by
// themselves or after their time limit.
func (m *Master) retire(g *Generation) {
	m.console.log(errorlog.Notice, "gracefully shutting down")
	g.unref()
	m.drainers.Go(func() { m.awaitDrain(g) })
}

// awaitDrain waits for the last session of a retired generation.
func (m *Master) awaitDrain(g *Generation) {
	g.halt()
	progress := time.NewTicker(progressInterval)
	defer progress.Stop()
	var up <-chan time.Time
	if d := g.Program.Main.ShutdownTimeout; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		up = t.C
	}
	for {
		select {
		case <-g.gone:
			select {
			case m.ended <- g:
			case <-m.abort:
			}
			return
		case <-up:
			m.endSessions(g)
			progress.Reset(progressInterval)
			m.logProgress(g)
		case <-progress.C:
			m.logProgress(g)
		case <-m.abort:
			return
		}
	}
}

// progressInterval is the time between two lines about sessions that end at a rate.
const progressInterval = 10 * time.Second

// logProgress logs how many sessions of a generation are left while they end at a rate.
func (m *Master) logProgress(g *Generation) {
	if !g.expired.Load() {
		return
	}
	for _, b := range g.closeBudgets() {
		if b != nil {
			m.log.write(errorlog.Notice, fmt.Sprintf("worker_shutdown_timeout has passed, sessions of configuration generation %d that are left: %d",
				g.ID, g.refs.Load()))
			return
		}
	}
}

// endSessions ends the sessions of a generation: those of each group at its fleet_close_rate in the present
// configuration.
func (m *Master) endSessions(g *Generation) {
	g.expired.Store(true)
	all := g.closeBudgets()
	started := map[*stream.Budget]bool{}
	for _, b := range all {
		if started[b] {
			continue
		}
		started[b] = true
		m.driver.Abort(func(s *stream.Session) bool { return g.owns(s) && all[upstream.CloseBudgetOf(s)] == b }, b)
	}
	m.web.Abort(g.ownsWeb)
}

// expiredSessions counts the sessions that end because worker_shutdown_timeout has passed. It is safe for
// concurrent use.
func (m *Master) expiredSessions() (n int64) {
	for _, g := range m.generations.all() {
		if g.expired.Load() && g != m.current.Load() {
			n += g.refs.Load()
		}
	}
	return n
}

// oldSessions counts the sessions of generations that are not current. It is safe for concurrent use.
func (m *Master) oldSessions() (n int64) {
	current := m.current.Load()
	for _, g := range m.generations.all() {
		if g != current {
			n += g.refs.Load()
		}
	}
	return n
}
