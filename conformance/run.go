package conformance

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"weir/conformance/peers"
)

// A run is one script on one subject. It belongs to one goroutine.
type run struct {
	subject *Subject
	script  *Script
	dir     string // the subject's prefix, which contains the script's files
	proc    *process
	last    result // of the newest `run`, `bare`, `accept` or `refuse`

	taken      map[string]int // ports by name
	peers      map[string]*peers.Peer
	tlsPeers   map[string]*peers.TLS // the settings of peers with TLS, by name
	packets    map[string]*peers.PacketPeer
	fulls      map[string]*peers.Full
	dns        map[string]*peers.DNS
	responders map[string]*responder
	fleet      peers.Fleet
	clients    map[string]net.Conn
	sessions   map[string]*oneSession // of TLS clients, by name
	copies     int                    // number of files made by copy

	cleanups []func() // run last first
}

// Execute runs the script in the empty directory dir and returns the first failure, with the
// script's line. Commands that known lists by their labels must fail, and the script continues
// after them.
func Execute(sub *Subject, s *Script, dir string, known Differences) error {
	r := &run{
		subject: sub.loading(s.Module), script: s, dir: dir,
		taken: map[string]int{}, peers: map[string]*peers.Peer{}, tlsPeers: map[string]*peers.TLS{}, responders: map[string]*responder{},
		packets: map[string]*peers.PacketPeer{}, fulls: map[string]*peers.Full{},
		clients: map[string]net.Conn{}, sessions: map[string]*oneSession{}, dns: map[string]*peers.DNS{},
	}
	defer r.close()
	if err := r.writeFiles(); err != nil {
		return err
	}
	for _, c := range s.Commands {
		if !sub.runs(c) {
			continue
		}
		err := r.do(c.Text)
		if reason, listed := known.Of(sub, s.Name, c.Label); listed {
			err = mustDiffer(err, reason)
		}
		if err != nil {
			return fmt.Errorf("%s.txtar:%d: %s: %w%s", s.Name, c.Line, c.Text, err, r.logged())
		}
	}
	return r.noAlerts()
}

// do runs one command.
func (r *run) do(text string) error {
	text, err := r.expand(text)
	if err != nil {
		return err
	}
	words, err := splitWords(text)
	if err != nil {
		return err
	}
	return r.call(words)
}

// call runs the command words[0] with the others as its arguments.
func (r *run) call(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("no command")
	}
	c, known := commands[words[0]]
	if !known {
		return fmt.Errorf("unknown command %q", words[0])
	}
	if len(words)-1 < c.min {
		return fmt.Errorf("want %s %s", words[0], c.usage)
	}
	return c.run(r, words[1:])
}

func (r *run) writeFiles() error {
	if err := os.MkdirAll(r.path("logs"), 0o755); err != nil {
		return err
	}
	for _, f := range r.script.Files {
		text, err := r.expand(string(f.Data))
		if err != nil {
			return fmt.Errorf("file %s: %w", f.Name, err)
		}
		if err := r.writeFile(f.Name, text); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file of the script; a configuration is rewritten for the subject.
func (r *run) writeFile(name, text string) error {
	if strings.HasSuffix(name, ".conf") {
		text = r.subject.rewrite(text)
	}
	path := r.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// path returns the full path of a file of the script.
func (r *run) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

func (r *run) cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *run) close() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func (r *run) peer(name string) (*peers.Peer, error) {
	p, ok := r.peers[name]
	if !ok {
		return nil, fmt.Errorf("no peer %q", name)
	}
	return p, nil
}

func (r *run) client(name string) (net.Conn, error) {
	c, ok := r.clients[name]
	if !ok {
		return nil, fmt.Errorf("no connection %q", name)
	}
	return c, nil
}

// abortAlerts are the alerts of nginx's own bookkeeping when a graceful stop is aborted.
var abortAlerts = regexp.MustCompile(`left in connection|: aborting$`)

// noAlerts fails if the subject logged an alert: no documented behaviour causes one.
func (r *run) noAlerts() error {
	all, _ := r.readLines(errorLog) // a script may have moved it
	for _, line := range all {
		if strings.Contains(line, "[alert]") && !abortAlerts.MatchString(line) {
			return fmt.Errorf("%s logged %s", r.subject.Name, line)
		}
	}
	return nil
}

// logged returns the end of the error log, for the report of a failure.
func (r *run) logged() string {
	log, _ := os.ReadFile(r.path(errorLog))
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return "\nerror log:\n" + strings.Join(lines, "\n")
}
