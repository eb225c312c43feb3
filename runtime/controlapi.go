package runtime

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"weir/internal/errorlog"
	"weir/parser"
	"weir/runtime/control"
	"weir/stream"
)

// build is the build string of the APIs: clients look for the release of NGINX Plus whose API they get.
var build = "weir-" + Version + "-r37"

// A controlAPI is the control API of -l. A nil controlAPI is not served.
type controlAPI struct {
	socket *control.Socket
	server control.Server
	log    *currentLog
	stop   func() // of the server that answers; nil while none does
}

// listenControl opens the socket of -l. Without -l it returns nil.
func (m *Master) listenControl(address string) (*controlAPI, error) {
	if address == "" {
		return nil, nil
	}
	m.keepText = true
	env := m.paths.env(m.signals.end, m.env.PID, m.console.out.writer())
	socket, err := control.Listen(address, env.LookupHost, m.ports.takeInherited)
	if err != nil {
		return nil, err
	}
	return &controlAPI{socket, control.Server{Master: controlled{m}, Version: stream.NginxVersion, Build: build}, m.log, nil}, nil
}

// takeInherited removes an inherited socket from the set and returns its descriptor.
func (ps listenerSet) takeInherited(a stream.Addr) (fd int, ok bool) {
	p := ps[a]
	if p == nil {
		return 0, false
	}
	delete(ps, a)
	return p.sockets[0].fd, true
}

// serve begins to answer.
func (c *controlAPI) serve() {
	if c == nil || c.stop != nil {
		return
	}
	l, err := c.socket.Listener()
	if err != nil {
		c.log.write(errorlog.Alert, "control: "+err.Error())
		return
	}
	h := c.server.HTTP()
	served := run(func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			c.log.write(errorlog.Alert, "control: "+err.Error())
		}
	})
	c.stop = func() {
		h.Close()
		<-served
	}
}

// pause stops answering: clients wait, or another binary answers.
func (c *controlAPI) pause() {
	if c != nil && c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// close stops answering and closes the socket. It removes its file unless another binary shares it.
func (c *controlAPI) close(shared bool, by parent) {
	if c == nil {
		return
	}
	c.pause()
	if a := c.socket.Addr; a.Unix && !shared {
		removeSocket(a.Path, by)
	}
	c.socket.Close()
}

// controlled is the Master as the control API sees it.
type controlled struct{ m *Master }

// Processes lists one worker process for each configuration with sessions: the current one and those that
// end.
func (c controlled) Processes() []control.Process {
	all := []control.Process{}
	for i := range c.m.generations.all() {
		all = append(all, control.Process{Name: "worker process", PID: c.m.env.PID, Exiting: i > 0 || c.m.current.Load() == nil})
	}
	return all
}

// Config returns the files of the current configuration.
func (c controlled) Config() []control.File {
	files := []control.File{}
	if g := c.m.current.Load(); g != nil {
		for _, f := range g.Program.Tree.Files {
			files = append(files, control.File{Name: f.Path, Content: string(f.Raw)})
		}
	}
	return files
}

// Reload reloads the configuration of the command line.
func (c controlled) Reload(ctx context.Context) (logs []string, served bool, err error) {
	lines := &lineRecorder{}
	record := errorlog.New(time.Now, c.m.env.PID)
	record.Add(errorlog.Warn, lines)
	_, _, err = c.m.request(ctx, request{source: c.m.source, record: record})
	if errors.Is(err, os.ErrClosed) || errors.Is(err, context.Canceled) {
		return nil, false, err
	}
	return lines.all(), err == nil, nil
}

// A lineRecorder keeps the lines of a log. It is safe for concurrent use.
type lineRecorder struct {
	mu    sync.Mutex
	lines []string
}

// WriteLine keeps a line.
func (r *lineRecorder) WriteLine(_ errorlog.Level, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(line))
}

func (r *lineRecorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines
}

// textOf returns a tree that contains only the text of the files.
func textOf(t *parser.Tree) *parser.Tree {
	only := &parser.Tree{}
	for _, f := range t.Files {
		only.Files = append(only.Files, &parser.File{Path: f.Path, Raw: f.Raw})
	}
	return only
}
