package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/stream/upstream"
)

// MaxDrainRate is the largest Rate of a Drain.
const MaxDrainRate = conf.MaxRate

// A Drain is the command "weir drain": it takes a server of a group out of use until the next reload.
type Drain struct {
	Upstream string `json:"upstream"`
	Server   string `json:"server"` // as configured, or an address
	Rate     int    `json:"rate"`   // sessions to end per second; 0 keeps them
	Wait     bool   `json:"-"`      // until the server has no session
}

// drained is the answer to a Drain.
type drained struct {
	Sessions int    `json:"sessions"` // that the server has
	Error    string `json:"error,omitempty"`
}

const drainPath = "/drain"

// commands returns the handler of the channel.
func (m *Master) commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+drainPath, func(w http.ResponseWriter, r *http.Request) {
		var d Drain
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&d); err != nil {
			answerDrain(w, 0, err)
			return
		}
		n, err := m.drain(&d)
		answerDrain(w, n, err)
	})
	mux.HandleFunc("GET "+drainPath, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		n, err := m.sessionsOf(q.Get("upstream"), q.Get("server"))
		answerDrain(w, n, err)
	})
	mux.HandleFunc("POST "+reloadPath, m.answerReload)
	return mux
}

func answerDrain(w http.ResponseWriter, sessions int, err error) {
	answer := drained{Sessions: sessions}
	if err != nil {
		answer.Error = err.Error()
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	json.NewEncoder(w).Encode(answer) // an error means that the client has gone
}

// drain takes a server out of use, and returns how many sessions it has.
func (m *Master) drain(d *Drain) (int, error) {
	g, err := m.group(d.Upstream)
	if err != nil {
		return 0, err
	}
	var peers []*upstream.Peer
	err = m.owner.do(func() (err error) {
		peers, err = g.Drain(d.Server, d.Rate)
		return err
	})
	if err != nil {
		return 0, err
	}
	if len(peers) == 0 {
		return 0, noServer(d.Upstream, d.Server)
	}
	n := g.Sessions(peers)
	m.log.write(errorlog.Notice, fmt.Sprintf("draining server \"%s\" of upstream \"%s\", sessions: %d", d.Server, d.Upstream, n))
	return n, nil
}

// sessionsOf returns how many sessions a server has.
func (m *Master) sessionsOf(name, server string) (int, error) {
	g, err := m.group(name)
	if err != nil {
		return 0, err
	}
	peers := g.PeersOf(server)
	if len(peers) == 0 {
		return 0, noServer(name, server)
	}
	return g.Sessions(peers), nil
}

func noServer(group, server string) error {
	return fmt.Errorf("upstream \"%s\" has no server \"%s\"", group, server)
}

// group returns a group of the current configuration.
func (m *Master) group(name string) (*upstream.Group, error) {
	current := m.current.Load()
	if current == nil {
		return nil, errors.New("the process is shutting down")
	}
	for _, p := range current.Program.Stream.Parts {
		if g, ok := p.(*upstream.Group); ok && g.Name == name {
			return g, nil
		}
	}
	return nil, fmt.Errorf("no upstream \"%s\"", name)
}

// RunDrain asks the running process, which it finds by the pid file of the configuration, to drain a server,
// and shows the progress. It returns the exit code.
func RunDrain(o Options, d Drain, stdio Stdio) int {
	useTimezone()
	paths, out := o.paths(), newOutlets(stdio.Err)
	stdio.Err = out.stderr
	c := bootConsole(o, paths, out)
	defer out.wait(commandTimeout)
	program, found := load(paths.source(o.Globals), paths.env(context.Background(), os.Getpid(), out.writer()))
	c.logDiagnostics(found)
	if found.HasEmerg() {
		return exitFailed
	}
	if err := d.run(stdio.Out, channelClient(program.Main.PidFile), time.Second); err != nil {
		c.log(errorlog.Emerg, "%v", err)
		return exitFailed
	}
	return exitOK
}

// channelClient returns a client of the channel.
func channelClient(pidPath string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := dialChannel(ctx, pidPath)
		if err != nil {
			return nil, unreachable(pidPath, err)
		}
		return conn, nil
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: channelTimeout}
}

// run drains the server and, with Wait, writes how many sessions are left at each interval.
func (d *Drain) run(w io.Writer, client *http.Client, interval time.Duration) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	left, err := ask(client, http.MethodPost, drainPath, body)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "draining %s of upstream %s, sessions: %d\n", d.Server, d.Upstream, left)
	query := drainPath + "?" + url.Values{"upstream": {d.Upstream}, "server": {d.Server}}.Encode()
	for d.Wait && left > 0 {
		time.Sleep(interval)
		before := left
		if left, err = ask(client, http.MethodGet, query, nil); err != nil {
			return err
		}
		fmt.Fprintf(w, "sessions left: %d, ended per second: %.0f\n", left, float64(before-left)/interval.Seconds())
	}
	return nil
}

// ask sends a request to the channel.
func ask(client *http.Client, method, path string, body []byte) (sessions int, err error) {
	r, err := http.NewRequest(method, "http://weir"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("cannot reach the running process: %w", errors.Unwrap(err))
	}
	defer response.Body.Close()
	var answer drained
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Error != "" {
		return 0, errors.New(answer.Error)
	}
	return answer.Sessions, nil
}
