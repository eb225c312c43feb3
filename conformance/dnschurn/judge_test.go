package dnschurn

import (
	"fmt"
	"strings"
	"testing"

	"weir/conformance/program"
)

// A checker has the complete records: those of the brokers and of the access log for each visit.
type checker struct {
	brokers map[string]string // the broker, by the name of the visit
	logged  map[string]string // the access log line, by the name of the visit
}

func newChecker(t *testing.T, w *program.Server, b *brokers) *checker {
	t.Helper()
	j := &checker{brokers: map[string]string{}, logged: map[string]string{}}
	for _, s := range b.All() {
		j.recordOnce(t, j.brokers, s.Client.Username, s.Broker)
	}
	for line := range strings.Lines(w.Read(t, "access.log")) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		j.recordOnce(t, j.logged, name, rest)
	}
	return j
}

func (j *checker) recordOnce(t *testing.T, to map[string]string, name, what string) {
	t.Helper()
	if before, twice := to[name]; twice {
		t.Errorf("%s: %s, after %s", name, what, before)
	}
	to[name] = what
}

// checkUnknownVisits checks that the brokers and the access log contain no visit that no client has made.
func (j *checker) checkUnknownVisits(t *testing.T) {
	t.Helper()
	for name, addr := range j.brokers {
		t.Errorf("%s at %s belongs to no session", name, addr)
	}
	for name, line := range j.logged {
		t.Errorf("%s %s in the access log belongs to no session", name, line)
	}
}

// A server is the number of a name and the number of a server of it.
type server struct{ n, i int }

// A groupCheck is the checker's result for one group.
type groupCheck struct {
	t         *testing.T
	group     *group
	presences map[server][]presence
	lastVisit map[int]contact // each client's last visit
	refused   int
	// The servers that clients met before, by what happened to them; for methods that hash.
	kept, left, moved int
}

// A contact is a visit and the server it reached.
type contact struct {
	visit
	server
}

// checkGroup checks every visit of a group and removes it.
func (j *checker) checkGroup(t *testing.T, c *clientSet) {
	t.Helper()
	h := &groupCheck{t: t, group: c.group, presences: map[server][]presence{}, lastVisit: map[int]contact{}}
	servers := map[server]bool{}
	for _, v := range c.visits {
		m := contact{visit: v}
		if err := j.check(h, &m); err != nil {
			t.Errorf("%s: %v", v.name, err)
		} else {
			servers[m.server] = true
		}
		delete(j.brokers, v.name)
		delete(j.logged, v.name)
	}
	h.checkCoverage(c, len(servers))
}

// check checks that the visit succeeded, with a server that was present, that weir reports the same
// server, and that the servers tried before were present.
func (j *checker) check(h *groupCheck, m *contact) error {
	if m.err != nil {
		return m.err
	}
	addr, came := j.brokers[m.name]
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
	return h.checkSticky(m)
}

// find returns the server at addr, which must be present during the visit.
func (h *groupCheck) find(addr string, port int, m *contact) (server, error) {
	var s server
	var number, at int
	if _, err := fmt.Sscanf(addr, "127.%d.%d.%d:%d", &number, &s.n, &s.i, &at); err != nil {
		return s, fmt.Errorf("%s: %w", addr, err)
	}
	s.i--
	if number != 100+h.group.number || at != port || s.n >= h.group.names || s.i >= cycle {
		return s, fmt.Errorf("%s is not a server of the group, or a backup", addr)
	}
	if !h.wasPresent(s, m) {
		return s, fmt.Errorf("meets %s, which is not there: %s", addr, h.describePresence(s, m))
	}
	return s, nil
}

func (h *groupCheck) presencesOf(s server) []presence {
	all, known := h.presences[s]
	if !known {
		all = h.group.presences(s.n, s.i)
		h.presences[s] = all
	}
	return all
}

// wasPresent reports whether the server was present at some time between begin and end of the visit.
func (h *groupCheck) wasPresent(of server, m *contact) bool {
	for _, s := range h.presencesOf(of) {
		if s.from.mayBeBefore(m.end) && s.to.mayBeAfter(m.begin) {
			return true
		}
	}
	return false
}

// describePresence describes when the server was present, relative to the visit.
func (h *groupCheck) describePresence(of server, m *contact) string {
	text := fmt.Sprintf("a visit of %v;", m.end.Sub(m.begin))
	for _, s := range h.presencesOf(of) {
		text += fmt.Sprintf(" it has come by %v", s.from.latest.Sub(m.begin))
		if !s.to.earliest.IsZero() {
			text += fmt.Sprintf(" and gone by %v", s.to.latest.Sub(m.begin))
		}
	}
	return text
}

// checkSticky checks, for methods that hash, that a client whose server stays meets it again, unless a
// new server takes it over.
func (h *groupCheck) checkSticky(m *contact) error {
	last, again := h.lastVisit[m.client]
	h.lastVisit[m.client] = *m
	if !again || !strings.HasPrefix(h.group.method, "hash") {
		return nil
	}
	was, is := h.ringOwner(last.server), h.ringOwner(m.server)
	switch {
	case was == is:
		h.kept++
	case h.mayHaveLeft(was, &last, m):
		h.left++
	case h.mayBeNew(is, &last, m):
		h.moved++
	default:
		return fmt.Errorf("leaves the server %v, which has stayed, for %v, which is not new", last.server, m.server)
	}
	return nil
}

// ringOwner returns the owner of a place on the ring: a name, the target of a service, or with
// ring=address an address. A name is always present; it is written as a nonexistent server.
func (h *groupCheck) ringOwner(s server) server {
	if h.group.kind == "A" && !h.group.each {
		s.i = -1
	}
	return s
}

// mayHaveLeft reports whether the server may have been absent at some time between the choices of
// two visits, the first of which met it.
func (h *groupCheck) mayHaveLeft(s server, last, m *contact) bool {
	if s.i < 0 {
		return false
	}
	for _, stay := range h.presencesOf(s) {
		if stay.from.mayBeBefore(last.end) && !stay.to.mayBeBefore(m.end) {
			return false
		}
	}
	return true
}

// mayBeNew reports whether the server that the second of two visits met may have joined after the
// first began.
func (h *groupCheck) mayBeNew(s server, last, m *contact) bool {
	if s.i < 0 {
		return false
	}
	for _, stay := range h.presencesOf(s) {
		if stay.from.mayBeBefore(m.end) && stay.from.mayBeAfter(last.begin) {
			return true
		}
	}
	return false
}

// checkCoverage checks that the group has changed and been used enough for the other results to be
// meaningful.
func (h *groupCheck) checkCoverage(c *clientSet, servers int) {
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
	h.t.Logf("%d kept their server, %d lost it, %d moved to one that was new", h.kept, h.left, h.moved)
	// On a busy machine the visits of a client are so far apart that its server has left meanwhile.
	busy := visits < c.clients*int(c.took/c.pause)/2
	if g.names > 1 && !busy && h.kept < visits/4 {
		h.t.Errorf("only %d of %d visits came to the server of the visit before", h.kept, visits)
	}
}
