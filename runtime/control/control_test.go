package control_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/testwait"
	"weir/runtime/control"
	"weir/stream"
)

// A fakeMaster reloads with a fixed result.
type fakeMaster struct {
	logs    []string
	refused bool
	err     error
	reloads int
}

func (m *fakeMaster) Processes() []control.Process {
	return []control.Process{{Name: "worker process", PID: 7}, {Name: "worker process", PID: 7, Exiting: true}}
}

func (m *fakeMaster) Config() []control.File {
	return []control.File{{Name: "/etc/nginx/nginx.conf", Content: "events {} # <&> \"q\" \xff\n"}}
}

func (m *fakeMaster) Reload(context.Context) ([]string, bool, error) {
	m.reloads++
	return m.logs, !m.refused, m.err
}

// ask sends a request and returns the status and the body.
func ask(m *fakeMaster, method, target string) (int, string) {
	s := &control.Server{Master: m, Version: "1.31.5", Build: "weir-0.1.0-r37"}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w.Code, w.Body.String()
}

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		target string
		status int
		body   string
	}{
		{"/", 200, `["1"]`},
		{"/1", 200, `["control","nginx"]`},
		{"/1/", 200, `["control","nginx"]`},
		{"/1?x=1", 200, `["control","nginx"]`},
		{"/1/nginx", 200, `{"version":"1.31.5","build":"weir-0.1.0-r37"}`},
		{"/1/control", 200, `["processes","config"]`},
		{
			"/1/control/processes", 200,
			`[{"name":"worker process","pid":7,"exiting":false},{"name":"worker process","pid":7,"exiting":true}]`,
		},
		{"/1/control/config/", 200, `[{"name":"/etc/nginx/nginx.conf","content":"events {} # <&> \"q\" ` + "\uFFFD" + `\n"}]`},
		{"/2", 404, ""},
		{"/1/none", 404, ""},
		{"/1/control/config//", 404, ""},
		{"/1/../1", 400, ""},
		{"/%31", 400, ""},
	} {
		if status, body := ask(&fakeMaster{}, "GET", c.target); status != c.status || strings.ReplaceAll(body, `\ufffd`, "\uFFFD") != c.body {
			t.Errorf("GET %s: %d %s, want %d %s", c.target, status, body, c.status, c.body)
		}
	}
}

func TestMethods(t *testing.T) {
	for _, target := range []string{"/", "/1", "/1/nginx", "/1/control", "/1/control/processes", "/1/control/config"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"} {
			m := &fakeMaster{}
			want := http.StatusMethodNotAllowed
			if method == "PATCH" && target == "/1/control/config" {
				want = http.StatusOK
			}
			if status, _ := ask(m, method, target); status != want || (m.reloads == 1) != (want == http.StatusOK) {
				t.Errorf("%s %s: %d and %d reloads, want %d", method, target, status, m.reloads, want)
			}
		}
	}
}

// TestReload checks the answers to PATCH: 200 or 422 with the lines of the log, or 500.
func TestReload(t *testing.T) {
	for _, c := range []struct {
		master *fakeMaster
		status int
		body   string
	}{
		{&fakeMaster{}, 200, `{"logs":[]}`},
		{&fakeMaster{logs: []string{"[warn] a\n"}}, 200, `{"logs":["[warn] a\n"]}`},
		{&fakeMaster{refused: true, logs: []string{"[emerg] a \"b\"\n"}}, 422, `{"logs":["[emerg] a \"b\"\n"]}`},
		{&fakeMaster{err: errors.New("ending")}, 500, ""},
	} {
		if status, body := ask(c.master, "PATCH", "/1/control/config"); status != c.status || body != c.body {
			t.Errorf("%+v: %d %s, want %d %s", c.master, status, body, c.status, c.body)
		}
	}
}

func noLookup(string) ([]netip.Addr, error) { return nil, errors.New("no names here") }

func TestBadAddresses(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		"unix:":                 `control: no path in the unix domain socket in "unix:"`,
		"0":                     `control: invalid port in "0"`,
		"70000":                 `control: invalid port in "70000"`,
		"8000-8001":             `control: invalid port in "8000-8001"`,
		"127.0.0.1":             `control: invalid port in "127.0.0.1"`,
		"[::1]":                 `control: invalid port in "[::1]"`,
		"a b:80":                `control: host not found in "a b:80"`,
		"[x]:80":                `control: invalid IPv6 address in "[x]:80"`,
		taken.Addr().String():   `control: bind() failed (98: Address already in use)`,
		"unix:/nowhere/a.sock":  `control: bind() failed (2: No such file or directory)`,
		"unix:" + t.TempDir():   `control: bind() failed (98: Address already in use)`,
		"127.0.0.1:8000-8001":   `control: invalid port in "127.0.0.1:8000-8001"`,
		"127.0.0.1:9000/status": `control: invalid host in "127.0.0.1:9000/status"`,
	} {
		l, err := control.Listen(address, noLookup, noSocket)
		if err == nil {
			l.Close()
			t.Errorf("%s: no error", address)
			continue
		}
		if err.Error() != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

// noSocket inherits nothing.
func noSocket(stream.Addr) (int, bool) { return 0, false }

// listener returns a listener of the socket.
func listener(t *testing.T, s *control.Socket) net.Listener {
	t.Helper()
	l, err := s.Listener()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestServe checks a socket of UNIX: its mode and an answer. The socket is served twice: by itself, and as an
// inherited one.
func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	first, err := control.Listen("unix:"+path, noLookup, noSocket)
	if err != nil {
		t.Fatal(err)
	}
	serveOnce(t, first, path)
	again, err := control.Listen("unix:"+path, noLookup, func(a stream.Addr) (int, bool) {
		fd, err := syscall.Dup(first.Descriptor())
		return fd, err == nil && a == first.Addr
	})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	serveOnce(t, again, path)
	again.Close()
}

// serveOnce answers on the socket for some requests.
func serveOnce(t *testing.T, socket *control.Socket, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v, want mode 0600", info, err)
	}
	s := &control.Server{Master: &fakeMaster{}, Version: "1.31.5"}
	h := s.HTTP()
	served := make(chan error, 1)
	l := listener(t, socket)
	go func() { served <- h.Serve(l) }()
	answer := exchange(t, path, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, want := range []string{
		"HTTP/1.1 200 OK\r\n", "\r\nServer: nginx/1.31.5\r\n", "\r\nConnection: close\r\n", "\r\nContent-Type: application/json\r\n",
		"\r\nContent-Length: 19\r\n", "\r\n\r\n[\"control\",\"nginx\"]",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("%q has no %q", answer, want)
		}
	}
	if answer := exchange(t, path, "GET /"+strings.Repeat("x", 1<<20)+" HTTP/1.1\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 4") {
		t.Errorf("a huge request: %q", answer)
	}
	h.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// TestStaleSocket checks that the file that a killed process has left is replaced, and the socket of a running process is not.
func TestStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	l, err := control.Listen("unix:"+path, noLookup, noSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if second, err := control.Listen("unix:"+path, noLookup, noSocket); err == nil {
		second.Close()
		t.Error("the socket of a running process was replaced")
	}
}

// exchange sends a request, and returns everything until the server closes the connection.
func exchange(t *testing.T, path, request string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, request)
	answer, _ := io.ReadAll(bufio.NewReader(c)) // the server may reset a connection whose request it has not read
	return string(answer)
}

// TestConnectionLimit checks that clients beyond the limit wait until others have ended.
func TestConnectionLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := control.Listen("unix:"+path, noLookup, noSocket)
	if err != nil {
		t.Fatal(err)
	}
	h := (&control.Server{Master: &fakeMaster{}}).HTTP()
	go h.Serve(listener(t, l))
	defer h.Close()
	var idle []net.Conn
	for range 64 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	answer := make(chan string, 1)
	go func() { answer <- exchange(t, path, "GET /1 HTTP/1.0\r\n\r\n") }()
	for _, c := range idle {
		c.Close()
	}
	select {
	case got := <-answer:
		if !strings.Contains(got, "200 OK") {
			t.Errorf("%q", got)
		}
	case <-time.After(testwait.Patience):
		t.Error("no answer")
	}
}
