package dnschurn

import (
	"fmt"
	"strings"
	"testing"
)

// A judge has the complete records: those of the brokers and of the access log for each visit.
type judge struct {
	met    map[string]string // the broker, by the name of the visit
	logged map[string]string // the access log line, by the name of the visit
}

func newJudge(t *testing.T, w *weir, b *brokers) *judge {
	t.Helper()
	j := &judge{met: map[string]string{}, logged: map[string]string{}}
	for _, s := range b.All() {
		j.once(t, j.met, s.Client.Username, s.Broker)
	}
	for line := range strings.Lines(w.read(t, "access.log")) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		j.once(t, j.logged, name, rest)
	}
	return j
}

func (j *judge) once(t *testing.T, to map[string]string, name, what string) {
	t.Helper()
	if before, twice := to[name]; twice {
		t.Errorf("%s: %s, after %s", name, what, before)
	}
	to[name] = what
}

// nobodyElse checks that the brokers and the access log contain no visit that no client has made.
func (j *judge) nobodyElse(t *testing.T) {
	t.Helper()
	for name, addr := range j.met {
		t.Errorf("%s at %s is nobody's", name, addr)
	}
	for name, line := range j.logged {
		t.Errorf("%s %s in the access log is nobody's", name, line)
	}
}

// A server is the number of a name and the number of a server of it.
type server struct{ n, i int }

// A hearing is the judge's result for one group.
type hearing struct {
	t       *testing.T
	group   *group
	stays   map[server][]stay
	before  map[int]met // each client's last visit
	refused int
	// The servers that clients met before, by what happened to them; for methods that hash.
	kept, left, newcomers int
}

// A met is a visit and the server it reached.
type met struct {
	visit
	server
}

// judge judges every visit of a group and removes it.
func (j *judge) judge(t *testing.T, c *crowd) {
	h := &hearing{t: t, group: c.group, stays: map[server][]stay{}, before: map[int]met{}}
	servers := map[server]bool{}
	for _, v := range c.visits {
		m := met{visit: v}
		if err := j.check(h, &m); err != nil {
			t.Errorf("%s: %v", v.name, err)
		} else {
			servers[m.server] = true
		}
		delete(j.met, v.name)
		delete(j.logged, v.name)
	}
	h.enough(c, len(servers))
}

// check checks that the visit succeeded, with a server that was present, that weir reports the same
// server, and that the servers tried before were present.
func (j *judge) check(h *hearing, m *met) error {
	if m.err != nil {
		return m.err
	}
	addr, came := j.met[m.name]
	if !came {
		return fmt.Errorf("no broker knows of it")
	}
	status, addrs, _ := strings.Cut(j.logged[m.name], " ")
	tried := strings.Split(addrs, ", ")
	last := len(tried) - 1
	if status != "200" || tried[last] != addr {
		return fmt.Errorf("got %q in the access log, want 200 and %s", j.logged[m.name], addr)
	}
	for _, refusing := range tried[:last] {
		if _, err := h.find(refusing, h.group.dead, m); err != nil {
			return err
		}
	}
	h.refused += last
	var err error
	if m.server, err = h.find(addr, h.group.brokers, m); err != nil {
		return err
	}
	return h.steady(m)
}

// find returns the server at addr, which must be present during the visit.
func (h *hearing) find(addr string, port int, m *met) (server, error) {
	var s server
	var number, at int
	if _, err := fmt.Sscanf(addr, "127.%d.%d.%d:%d", &number, &s.n, &s.i, &at); err != nil {
		return s, fmt.Errorf("%s: %w", addr, err)
	}
	s.i--
	if number != 100+h.group.number || at != port || s.n >= h.group.names || s.i >= cycle {
		return s, fmt.Errorf("%s is not a server of the group, or a backup", addr)
	}
	if !h.there(s, m) {
		return s, fmt.Errorf("meets %s, which is not there: %s", addr, h.absence(s, m))
	}
	return s, nil
}

func (h *hearing) staysOf(s server) []stay {
	all, known := h.stays[s]
	if !known {
		all = h.group.stays(s.n, s.i)
		h.stays[s] = all
	}
	return all
}

// there reports whether the server was present at some time between begin and end of the visit.
func (h *hearing) there(of server, m *met) bool {
	for _, s := range h.staysOf(of) {
		if s.comes.mayBeBefore(m.end) && s.goes.mayBeAfter(m.begin) {
			return true
		}
	}
	return false
}

// absence describes when the server was present, relative to the visit.
func (h *hearing) absence(of server, m *met) string {
	text := fmt.Sprintf("a visit of %v;", m.end.Sub(m.begin))
	for _, s := range h.staysOf(of) {
		text += fmt.Sprintf(" it has come by %v", s.comes.latest.Sub(m.begin))
		if !s.goes.earliest.IsZero() {
			text += fmt.Sprintf(" and gone by %v", s.goes.latest.Sub(m.begin))
		}
	}
	return text
}

// steady checks, for methods that hash, that a client whose server stays meets it again, unless a
// new server takes it over.
func (h *hearing) steady(m *met) error {
	last, again := h.before[m.client]
	h.before[m.client] = *m
	if !again || !strings.HasPrefix(h.group.method, "hash") {
		return nil
	}
	was, is := h.place(last.server), h.place(m.server)
	switch {
	case was == is:
		h.kept++
	case h.mayHaveLeft(was, &last, m):
		h.left++
	case h.mayBeNew(is, &last, m):
		h.newcomers++
	default:
		return fmt.Errorf("leaves the server %v, which has stayed, for %v, which is not new", last.server, m.server)
	}
	return nil
}

// place returns the owner of a place on the ring: a name, the target of a service, or with
// ring=address an address. A name is always present; it is written as a nonexistent server.
func (h *hearing) place(s server) server {
	if h.group.kind == "A" && !h.group.each {
		s.i = -1
	}
	return s
}

// mayHaveLeft reports whether the server may have been absent at some time between the choices of
// two visits, the first of which met it.
func (h *hearing) mayHaveLeft(s server, last, m *met) bool {
	if s.i < 0 {
		return false
	}
	for _, stay := range h.staysOf(s) {
		if stay.comes.mayBeBefore(last.end) && !stay.goes.mayBeBefore(m.end) {
			return false
		}
	}
	return true
}

// mayBeNew reports whether the server that the second of two visits met may have joined after the
// first began.
func (h *hearing) mayBeNew(s server, last, m *met) bool {
	if s.i < 0 {
		return false
	}
	for _, stay := range h.staysOf(s) {
		if stay.comes.mayBeBefore(m.end) && stay.comes.mayBeAfter(last.begin) {
			return true
		}
	}
	return false
}

// enough checks that the group has changed and been used enough for the other results to be
// meaningful.
func (h *hearing) enough(c *crowd, servers int) {
	g, changes, visits := c.group, c.group.changes()-c.group.before, len(c.visits)
	h.t.Logf("%d changes, %d visits to %d servers, after %d that refused", changes, visits, servers, h.refused)
	if least := 5 * c.clients; visits < least {
		h.t.Errorf("only %d visits, want at least %d", visits, least)
	}
	if g.names > 1 && changes < enough/2 {
		h.t.Errorf("only %d changes, want %d", changes, enough)
	}
	if g.names > 1 && h.refused == 0 {
		h.t.Error("no server refused")
	}
	if !strings.HasPrefix(g.method, "hash") {
		return
	}
	h.t.Logf("%d kept their server, %d lost it, %d moved to one that was new", h.kept, h.left, h.newcomers)
	// On a busy machine the visits of a client are so far apart that its server has left meanwhile.
	busy := visits < c.clients*int(c.took/c.pause)/2
	if g.names > 1 && !busy && h.kept < visits/4 {
		h.t.Errorf("only %d of %d visits came to the server of the visit before", h.kept, visits)
	}
}
