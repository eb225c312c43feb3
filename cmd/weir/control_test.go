package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/ports"
	"weir/internal/testwait"
	"weir/runtime"
	"weir/stream"
)

// controlAPI sends requests to the control API of the site.
type controlAPI struct {
	t      *testing.T
	client *http.Client
}

// withControl serves the site with the control API.
func withControl(s *site) (*served, controlAPI) {
	s.t.Helper()
	return s.front("-l", "unix:"+s.path("control.sock")), controlOf(s)
}

// controlOf returns the control API of a process that serves the site.
func controlOf(s *site) controlAPI {
	path := s.path("control.sock")
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return controlAPI{s.t, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// ask returns the status and the body of the answer.
func (c controlAPI) ask(method, path string) (int, string) {
	c.t.Helper()
	answer, body := fetch(c.t, c.client, method, "http://weir"+path, "")
	if got := answer.Header.Get("Content-Type"); got != "application/json" {
		c.t.Errorf("%s %s: Content-Type %q", method, path, got)
	}
	return answer.StatusCode, body
}

func (c controlAPI) want(method, path string, status int, body string) {
	c.t.Helper()
	if gotStatus, got := c.ask(method, path); gotStatus != status || got != body {
		c.t.Errorf("%s %s: %d %s, want %d %s", method, path, gotStatus, got, status, body)
	}
}

func TestControlAPI(t *testing.T) {
	s := newSite(t)
	p, c := withControl(s)
	c.want("GET", "/1", 200, `["control","nginx"]`)
	c.want("GET", "/1/nginx", 200, fmt.Sprintf(`{"version":"%s","build":"weir-%s-r37"}`, stream.NginxVersion, runtime.Version))
	worker := fmt.Sprintf(`{"name":"worker process","pid":%d,"exiting":`, p.pid)
	c.want("GET", "/1/control/processes", 200, "["+worker+"false}]")
	conn := p.dial(p.addr)

	s.configure("# second")
	c.want("PATCH", "/1/control/config", 200, `{"logs":[]}`)
	p.wantLine(`\[notice\] PID: configuration generation 2 serves after .*`)
	c.want("GET", "/1/control/processes", 200, "["+worker+"false},"+worker+"true}]")
	conn.Close()
	testwait.Eventually(t, "the end of the worker", func() bool {
		_, body := c.ask("GET", "/1/control/processes")
		return body == "["+worker+"false}]"
	})
	text, err := os.ReadFile(s.path("nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	_, body := c.ask("GET", "/1/control/config")
	var files []struct{ Name, Content string }
	if err := json.Unmarshal([]byte(body), &files); err != nil || len(files) != 1 || files[0].Name != s.path("nginx.conf") || files[0].Content != string(text) {
		t.Errorf("got %s, want the file\n%s", body, text)
	}

	s.configure("foo;")
	status, body := c.ask("PATCH", "/1/control/config")
	line := fmt.Sprintf(` [emerg] %d#%d: unknown directive \"foo\" in %s:1\n"]}`, p.pid, p.pid, s.path("nginx.conf"))
	if status != 422 || !strings.HasPrefix(body, `{"logs":["20`) || !strings.HasSuffix(body, line) {
		t.Errorf("a bad configuration: %d %s, want 422 and %s", status, body, line)
	}
	p.dial(p.addr)

	p.send(syscall.SIGTERM)
	p.wantExit(0)
	if _, err := os.Stat(s.path("control.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket: %v, want none", err)
	}
}

// TestControlAPIOnAPort checks that -l takes a port, on which the API listens on all addresses.
func TestControlAPIOnAPort(t *testing.T) {
	port := fmt.Sprint(ports.Reserve(t).Port())
	newSite(t).front("-l", port)
	answer, err := http.Get("http://127.0.0.1:" + port + "/1")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != 200 || string(body) != `["control","nginx"]` {
		t.Errorf("%s, %v: %s", answer.Status, err, body)
	}
}

// TestControlAPIWhileQuitting checks that a process that ends reloads nothing.
func TestControlAPIWhileQuitting(t *testing.T) {
	p, c := withControl(newSite(t))
	conn := p.dial(p.addr)
	p.control("quit")
	p.wantLine(`\[notice\] PID: gracefully shutting down`)
	c.want("PATCH", "/1/control/config", 500, "")
	c.want("GET", "/1/control/processes", 200, fmt.Sprintf(`[{"name":"worker process","pid":%d,"exiting":true}]`, p.pid))
	c.want("GET", "/1/control/config", 200, "[]")
	conn.Close()
	p.wantExit(0)
}
