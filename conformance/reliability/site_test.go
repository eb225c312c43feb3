package reliability

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/conformance/ports"
	"weir/conformance/program"
)

// A site is a running weir with addresses for MQTT clients and for HTTP.
type site struct {
	*program.Server
	t    *testing.T
	addr string // of MQTT clients
	web  string // of the metrics and of the API
	info bool   // the error log has the level info
}

// newSite reserves the addresses of a site.
func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	return &site{Server: &program.Server{Dir: dir}, t: t, addr: ports.Reserve(t).String(), web: ports.Reserve(t).String()}
}

// conf returns a configuration with the body of a stream block, in which $ADDR is the address of
// MQTT clients, and $DIR the directory of the files.
func (s *site) conf(stream string) string {
	level := "notice"
	if s.info {
		level = "info"
	}
	return fmt.Sprintf(`worker_processes 2;
pid pid;
error_log error.log %s;
events { worker_connections 20000; }
http {
    access_log off;
    server {
        listen %s;
        location = /metrics { prometheus; }
        location /api/ { api write=on; }
    }
}
stream {
%s
}
`, level, s.web, strings.NewReplacer("$ADDR", s.addr, "$DIR", s.Dir).Replace(stream))
}

// start runs weir.
func (s *site) start(stream string, options ...string) {
	s.t.Helper()
	s.Server = program.Start(s.t, weirBinary, s.Dir, s.conf(stream), options...)
}

// plain closes each connection after its request, so that no goroutine remains.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: program.Patience}

// request sends a request and returns the body of the answer.
func (s *site) request(method, path, body string) string {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.web+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := plain.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s %s", method, path, answer.Status, text)
	}
	return string(text)
}

// metric returns the value of a metric without labels.
func (s *site) metric(name string) int {
	s.t.Helper()
	for line := range strings.Lines(s.request("GET", "/metrics", "")) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return int(f)
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}

// usage is the resources of a process. The descriptors are those without pipes, a few of which each event
// loop keeps to use them again.
type usage struct{ descriptors, goroutines, memory int }

func (u usage) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d KiB", u.descriptors, u.goroutines, u.memory>>10)
}

func (s *site) usage() usage {
	s.t.Helper()
	u := usage{goroutines: s.metric("go_goroutines"), memory: s.Memory(s.t)}
	u.descriptors = s.Descriptors(s.t) - s.pipes()
	return u
}

// pipes returns how many descriptors of pipes the process has.
func (s *site) pipes() (n int) {
	s.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", s.PID())
	all, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range all {
		if target, _ := os.Readlink(filepath.Join(dir, one.Name())); strings.HasPrefix(target, "pipe:") { // it may have been closed
			n++
		}
	}
	return n
}

// Descriptors and goroutines that may differ between two idle moments: a connection for the metrics, a
// timer; workers of the garbage collector, which start with the first collection.
const (
	spareDescriptors = 4
	spareGoroutines  = 12
)

// awaitUsage waits until weir has no more descriptors and goroutines than before.
func (s *site) awaitUsage(before usage) usage {
	s.t.Helper()
	var now usage
	defer func() {
		if s.t.Failed() {
			s.t.Logf("now %v", now)
		}
	}()
	program.Await(s.t, "descriptors and goroutines to end, before "+before.String(), func() bool {
		now = s.usage()
		return now.descriptors <= before.descriptors+spareDescriptors && now.goroutines <= before.goroutines+spareGoroutines
	})
	return now
}

// lines returns how often the error log contains a text.
func (s *site) lines(text string) int {
	s.t.Helper()
	return strings.Count(s.Read(s.t, "error.log"), text)
}
