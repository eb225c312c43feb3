// Package control serves nginx's control API, which -l opens in the master process: facts about the
// process, the loaded configuration, and reloads.
//
// See https://nginx.org/en/docs/switches.html#l.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Master is the process that is controlled. Its methods are safe for concurrent use.
type Master interface {
	// Processes returns the worker processes.
	Processes() []Process
	// Config returns the files of the running configuration.
	Config() []File
	// Reload reads the configuration again. It returns the lines that this wrote to the error log at
	// level warn or worse, and whether the new configuration serves. The error means that no reload was
	// tried.
	Reload(context.Context) (logs []string, served bool, err error)
}

// A Process is a worker process.
type Process struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	Exiting bool   `json:"exiting"`
}

// A File is a file of the configuration.
type File struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// A Server answers requests to the control API.
type Server struct {
	Master  Master
	Version string // of nginx
	Build   string
}

// readTimeout limits the time for the header of a request.
const readTimeout = 10 * time.Second

// Limits of a client.
const (
	maxHeader      = 4 << 10
	maxConnections = 64
)

// HTTP returns a server for s. Its connections serve one request each.
func (s *Server) HTTP() *http.Server {
	h := &http.Server{Handler: s, ReadTimeout: readTimeout, MaxHeaderBytes: maxHeader}
	h.SetKeepAlivesEnabled(false)
	return h
}

// ServeHTTP answers a request. Bodies are not read. Errors have no body, as in nginx.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, _, _ := strings.Cut(r.RequestURI, "?")
	path := r.URL.Path
	if strings.ContainsAny(target, ".%#+") { // no endpoint has them, and nginx does not decode paths
		s.write(w, http.StatusBadRequest, nil)
		return
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	handle := s.endpoint(path)
	switch {
	case handle == nil:
		s.write(w, http.StatusNotFound, nil)
	case r.Method == http.MethodGet:
		s.write(w, http.StatusOK, handle())
	case r.Method == http.MethodPatch && path == configPath:
		s.reload(w, r)
	default:
		s.write(w, http.StatusMethodNotAllowed, nil)
	}
}

// configPath is the only endpoint with another method than GET.
const configPath = "/1/control/config"

// endpoint returns the function that makes the answer to a GET, or nil.
func (s *Server) endpoint(path string) func() any {
	switch path {
	case "", "/":
		return func() any { return []string{"1"} }
	case "/1":
		return func() any { return []string{"control", "nginx"} }
	case "/1/nginx":
		return func() any {
			return struct {
				Version string `json:"version"`
				Build   string `json:"build"`
			}{s.Version, s.Build}
		}
	case "/1/control":
		return func() any { return []string{"processes", "config"} }
	case "/1/control/processes":
		return func() any { return s.Master.Processes() }
	case configPath:
		return func() any { return s.Master.Config() }
	}
	return nil
}

// reload reloads the configuration.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	logs, served, err := s.Master.Reload(r.Context())
	if err != nil {
		s.write(w, http.StatusInternalServerError, nil)
		return
	}
	status := http.StatusOK
	if !served {
		status = http.StatusUnprocessableEntity
	}
	if logs == nil {
		logs = []string{}
	}
	s.write(w, status, map[string][]string{"logs": logs})
}

// write writes the answer; body may be nil.
func (s *Server) write(w http.ResponseWriter, status int, body any) {
	var text bytes.Buffer
	if body != nil {
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if e.Encode(body) != nil {
			status = http.StatusInternalServerError
			text.Reset()
		}
	}
	raw := bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	header := w.Header()
	header.Set("Server", "nginx/"+s.Version)
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	w.Write(raw) // an error means that the client has gone
}
