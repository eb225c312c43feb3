package runtime

import (
	"time"

	"weir/internal/errorlog"
)

// A pausing is the time after WINCH: the listening sockets stay open, and the process does not accept. The
// current generation stays, so that accepting can continue at once; its sessions end as those of a retired
// one.
type pausing struct {
	generation *Generation
	idle       chan struct{} // gets a value when there may be no session any more
	ended      chan struct{} // closed when the pause ends
}

// note notes that a session was the last one. p may be nil.
func (p *pausing) note() {
	if p == nil {
		return
	}
	select {
	case p.idle <- struct{}{}:
	default:
	}
}

// pauseAccepting implements WINCH.
func (m *Master) pauseAccepting() {
	if m.quitting || m.pausing != nil {
		return
	}
	for _, p := range m.ports {
		m.pauseListener(p)
	}
	m.console.log(errorlog.Notice, "gracefully shutting down")
	p := &pausing{generation: m.latest, idle: make(chan struct{}, 1), ended: make(chan struct{})}
	m.pausing = p
	p.generation.idle.Store(p)
	p.note()
	m.drainers.Go(func() { m.awaitRest(p) })
}

// endPause ends the pause, if any.
func (m *Master) endPause() {
	if m.pausing == nil {
		return
	}
	m.pausing.generation.idle.Store(nil)
	close(m.pausing.ended)
	m.pausing = nil
}

// pauseListener stops accepting on a listener. Connections wait in its sockets, or another binary
// accepts them.
func (m *Master) pauseListener(p *listener) {
	stop := p.stopper(m)
	p.serving, p.web, p.webFDs = nil, nil, nil
	m.drive(stop)
}

// awaitRest waits for the last session of a paused generation.
func (m *Master) awaitRest(p *pausing) {
	var up <-chan time.Time
	if d := p.generation.Program.Main.ShutdownTimeout; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		up = t.C
	}
	for {
		select {
		case <-p.idle:
			if p.generation.refs.Load() > 1 {
				continue
			}
			select {
			case m.rested <- p:
			case <-p.ended:
			}
			return
		case <-up:
			m.endSessions(p.generation)
		case <-p.ended:
			return
		}
	}
}

// rest logs the end of the last session, as nginx does for its workers.
func (m *Master) rest(p *pausing) {
	if p != m.pausing {
		return
	}
	m.console.log(errorlog.Notice, "exiting")
	m.console.log(errorlog.Notice, "exit")
	m.console.log(errorlog.Notice, "worker process %d exited with code 0", m.env.PID)
}

// acceptAgain accepts connections again with the current configuration.
func (m *Master) acceptAgain() {
	m.console.log(errorlog.Notice, "start worker processes")
	m.console.log(errorlog.Notice, "start worker process %d", m.env.PID)
	m.endPause()
	for _, p := range m.ports {
		if !p.serves() {
			m.serveOn(p)
		}
	}
}
