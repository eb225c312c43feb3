package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/ports"
	"weir/internal/testwait"
)

// withState serves a site as a daemon whose API changes a group and a zone with state files.
func withState(t *testing.T) restAPI {
	t.Helper()
	s := newSite(t)
	addr := ports.Reserve(t).String()
	write(t, s.path("servers"), "server "+s.echo+";\n")
	write(t, s.path("nginx.conf"), fmt.Sprintf(`pid n.pid; error_log e.log info; events {}
http { access_log off; server { listen %s; location /api { api write=on; } } }
stream {
	keyval_zone zone=one:32k state=%s;
	upstream brokers { zone brokers 64k; state %s; }
	server { listen %s; proxy_pass brokers; }
}
`, addr, s.path("pairs"), s.path("servers"), s.addr))
	return restAPI{s.background(s.install(binary, "weir")), "http://" + addr + "/api/9/"}
}

// add adds an object to a list of the API, and reports whether it was permitted. Either process may get the request, and may
// close the connection because it ends.
func (a restAPI) add(path, body string) bool {
	a.t.Helper()
	client := http.Client{Timeout: testwait.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Post(a.base+path, "application/json", strings.NewReader(body))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode == http.StatusServiceUnavailable && !strings.Contains(string(text), `"code":"UpgradeRuns"`) {
		a.t.Errorf("got %s", text)
	}
	return answer.StatusCode == http.StatusCreated
}

func (a restAPI) addPair(name string) bool { return a.add("stream/keyvals/one", `{"`+name+`":"1"}`) }

func (a restAPI) addServer(name string) bool {
	return a.add("stream/upstreams/brokers/servers", `{"server":"`+name+`:1883","down":true}`)
}

// change adds a pair and a server as soon as that is permitted.
func (a restAPI) change(name string) {
	a.t.Helper()
	testwait.Eventually(a.t, "a new pair "+name, func() bool { return a.addPair(name) })
	testwait.Eventually(a.t, "a new server "+name, func() bool { return a.addServer(name) })
}

// wantState waits until both files have these names, and no temporary file is left.
func (a restAPI) wantState(names ...string) {
	a.t.Helper()
	for _, file := range []string{"pairs", "servers"} {
		testwait.Eventually(a.t, "all changes in "+file, func() bool {
			text, _ := os.ReadFile(a.path(file))
			for _, name := range names {
				if !strings.Contains(string(text), name) {
					return false
				}
			}
			return true
		})
	}
	if left, _ := filepath.Glob(a.path(".*.tmp")); len(left) > 0 {
		a.t.Errorf("%v are left", left)
	}
}

// TestStateDuringUpgrade changes the state before, while and after two binaries serve: no change that the API has accepted is lost, though
// the old process lives on with a session.
func TestStateDuringUpgrade(t *testing.T) {
	a := withState(t)
	a.change("127.0.0.2")
	held := a.dial(a.addr)
	next := a.upgrade() // at once: the pair may not be in its file yet
	for range 8 {
		if a.addPair("127.0.0.3") || a.addServer("127.0.0.3") {
			t.Error("a change was accepted while two binaries serve")
		}
	}
	a.wantState("127.0.0.2")
	a.send(syscall.SIGQUIT)
	a.change("127.0.0.4")
	a.wantState("127.0.0.2", "127.0.0.4")
	a.ping(held)
	held.Close()
	a.wantGone()
	a.wantState("127.0.0.2", "127.0.0.4")
	next.send(syscall.SIGQUIT)
	next.wantGone()
	a.wantState("127.0.0.2", "127.0.0.4")
}

// TestStateAfterRollback returns to the old process, which has the state again.
func TestStateAfterRollback(t *testing.T) {
	for _, end := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(end.String(), func(t *testing.T) {
			a := withState(t)
			a.change("127.0.0.2")
			next := a.upgrade()
			next.send(end)
			next.wantGone()
			a.change("127.0.0.3")
			a.wantState("127.0.0.2", "127.0.0.3")
			last := a.upgrade()
			a.send(syscall.SIGKILL) // the new process notices
			a.change("127.0.0.4")
			a.wantState("127.0.0.2", "127.0.0.3", "127.0.0.4")
			last.send(syscall.SIGQUIT)
			last.wantGone()
		})
	}
}
