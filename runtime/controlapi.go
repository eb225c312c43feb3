package runtime

import (
	"context"
	"errors"
	"net"
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

// listenControl opens the socket of -l. Without -l it returns nil.
func (m *Master) listenControl(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	m.keepText = true
	env := m.paths.env(m.signals.end, m.env.PID, m.console.out.writer())
	return control.Listen(address, env.LookupHost)
}

// serveControl serves the control API on l, which may be nil, until stop is called.
func (m *Master) serveControl(l net.Listener) (stop func()) {
	if l == nil {
		return func() {}
	}
	s := &control.Server{Master: controlled{m}, Version: stream.NginxVersion, Build: build}
	h := s.HTTP()
	var served sync.WaitGroup
	served.Go(func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			m.log.write(errorlog.Alert, "control: "+err.Error())
		}
	})
	return func() {
		h.Close()
		served.Wait()
	}
}

// controlled is the Master as the control API sees it.
type controlled struct{ m *Master }

// Processes lists one worker process for each configuration with sessions: the current one and those that
// end.
func (c controlled) Processes() []control.Process {
	all := []control.Process{}
	for i := range c.m.serving.Load() {
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
