package runtime

import (
	"net/http"
	"sync"

	"weir/internal/errorlog"
	"weir/runtime/dashboard"
	"weir/runtime/metrics"
	"weir/stream"
	"weir/stream/status"
	"weir/web"
)

// newWebEnv returns what requests need from the process. Its Counters count for all configurations.
func newWebEnv(m *Master) *web.Env {
	env, counters := m.env, &web.Counters{}
	state := newState(m, counters)
	return &web.Env{
		Now: env.Now, NextID: env.NextID, Log: env.Log, Hostname: env.Hostname, PID: env.PID, Counters: counters,
		Handshakes: func(zone string) web.Handshakes {
			if zone == "" {
				return env.TLSCounters()
			}
			return state.handshakes.get(zone)
		},
		API: state.serve, Dashboard: dashboard.Serve,
		Metrics: func(w http.ResponseWriter, r *http.Request) { metrics.Serve(state, w, r) },
	}
}

// A handshakeTable contains the counters of handshakes by server zone, through all reloads. The zero table is empty. It
// is safe for concurrent use.
type handshakeTable struct{ all sync.Map }

// get returns the counters of a zone.
func (t *handshakeTable) get(zone string) *status.TLS {
	c, known := t.all.Load(zone)
	if !known {
		c, _ = t.all.LoadOrStore(zone, &status.TLS{})
	}
	return c.(*status.TLS)
}

// listenWeb makes a web server accept on the current sockets of p. Connections of an earlier one end by
// themselves.
func (m *Master) listenWeb(p *listener) {
	server := m.web.New(m.admitWeb(p.addr))
	stop, console, fds := p.stopper(m), m.console, p.descriptors()
	p.serving, p.web, p.webFDs = nil, server, fds
	m.drive(func() {
		stop()
		if err := server.Serve(fds); err != nil {
			console.log(errorlog.Alert, "%s: %v", p.addr, err)
		}
	})
}

// admitWeb is admit for the http block.
func (m *Master) admitWeb(addr stream.Addr) func() (*web.Listen, stream.Lease) {
	return admitting(m, func(g *Generation) *web.Listen { return g.webs[addr] })
}

// ownsWeb reports whether c is the http block of g.
func (g *Generation) ownsWeb(c *web.Config) bool { return c == g.Program.Web }

// maxConnections returns worker_connections of the current configuration, which limits the connections of the
// http block.
func (m *Master) maxConnections() int {
	g := m.current.Load()
	if g == nil {
		return 0
	}
	return g.Program.Main.WorkerConnections
}
