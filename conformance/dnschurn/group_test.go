package dnschurn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/conformance/peers"
)

const (
	// perSet is the number of servers of a name at a time.
	perSet = 3
	// cycle is the total number of servers of a name: a removed server returns after all others
	// have been present.
	cycle = 240
	// deadEvery is the number of names per name whose servers all refuse connections.
	deadEvery = 16
	// backup is the number of the server that a service has while none of the others is present.
	backup = 250
	// targetTTL is the TTL of the address of a service's target, in seconds; the targets of a
	// service change, but keep their addresses.
	targetTTL = 300
)

// A group is an upstream block in which every server is a name. Each answer with the addresses of
// such a name differs from the previous one.
type group struct {
	name     string
	method   string // the directive; empty for round robin
	kind     string // kind of the records that change: A or SRV
	each     bool   // ring=address
	names    int    // number of servers in the block
	step     int    // number of servers of a name that leave, and join, with each answer
	brokers  int    // the port of servers that are brokers
	dead     int    // the port of servers that refuse
	number   int    // index among the groups
	before   int    // changes before the clients start
	listen   int    // weir's port
	dns      *peers.DNS
	mu       sync.Mutex
	versions [][]time.Time // for each name, when each set was sent: the n-th set answers the n-th question
}

// serve starts the group's name server.
func (g *group) serve(t *testing.T) {
	t.Helper()
	g.versions = make([][]time.Time, g.names)
	d, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	d.Make(g.answer)
	g.dns = d
}

// answer creates the records of "7.names" and "_mqtt._tcp.7.names", which change with each
// question, and of "t12.7.names", the target for server 12 of name 7.
func (g *group) answer(name, kind string) (ttl uint32, values []string) {
	labels := strings.Split(name, ".")
	if len(labels) < 2 {
		return 0, nil
	}
	n, err := strconv.Atoi(labels[len(labels)-2])
	target, isTarget := strings.CutPrefix(labels[0], "t")
	switch {
	case err != nil:
		return 0, nil
	case kind == "A" && isTarget:
		i, _ := strconv.Atoi(target)
		return targetTTL, []string{g.addr(n, i)}
	case kind != g.kind:
		return 0, nil
	}
	for _, i := range g.nextSet(n) {
		values = append(values, g.record(n, i))
	}
	if kind == "SRV" {
		values = append(values, fmt.Sprintf("20 1 %d t%d.%d.names", g.brokers, backup, n))
	}
	return 0, values
}

func (g *group) record(n, i int) string {
	if g.kind == "A" {
		return g.addr(n, i)
	}
	return fmt.Sprintf("10 %d %d t%d.%d.names", 1+i%3, g.port(n), i, n)
}

// port returns the port of the servers of name n.
func (g *group) port(n int) int {
	if n%deadEvery == deadEvery-1 {
		return g.dead
	}
	return g.brokers
}

// addr returns the IP address of server i of name n.
func (g *group) addr(n, i int) string { return fmt.Sprintf("127.%d.%d.%d", 100+g.number, n, i+1) }

// nextSet begins the next set of name n and returns it.
func (g *group) nextSet(n int) []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	version := len(g.versions[n])
	g.versions[n] = append(g.versions[n], time.Now())
	var set []int
	for i := range perSet {
		set = append(set, (version*g.step+i)%cycle)
	}
	return set
}

// changes returns the number of sets after the first of each name.
func (g *group) changes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, v := range g.versions {
		n += max(len(v)-1, 0)
	}
	return n
}

// settled reports whether weir has asked for each name again: then it has processed the first
// answers.
func (g *group) settled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !slices.ContainsFunc(g.versions, func(v []time.Time) bool { return len(v) < 2 })
}

// A change is a change of a name's set: it happens after the answer is sent, and before weir has
// applied it. Weir then waits a second before it asks again, so the next question gives the upper
// bound. A zero time means that it has not happened.
type change struct{ earliest, latest time.Time }

// mayBeBefore reports whether the turn may have happened before t.
func (m change) mayBeBefore(t time.Time) bool { return !m.earliest.IsZero() && m.earliest.Before(t) }

// mayBeAfter reports whether the turn may have happened after t, or not at all.
func (m change) mayBeAfter(t time.Time) bool { return m.latest.IsZero() || m.latest.After(t) }

// leastPause is the shortest pause between two questions for a name.
const leastPause = time.Second

// A presence is the time during which a server was in its group.
type presence struct{ from, to change }

// presences returns the times during which server i of name n was present.
func (g *group) presences(n, i int) []presence {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []presence
	in := false
	for v := range g.versions[n] {
		has := (i-v*g.step%cycle+cycle)%cycle < perSet
		switch {
		case has && !in:
			all = append(all, presence{from: g.changeTime(n, v)})
		case !has && in:
			all[len(all)-1].to = g.changeTime(n, v)
		}
		in = has
	}
	return all
}

// changeTime returns when name n changed to its v-th set. mu is held.
func (g *group) changeTime(n, v int) change {
	t := change{earliest: g.versions[n][v]}
	if v+1 < len(g.versions[n]) {
		t.latest = g.versions[n][v+1].Add(-leastPause)
	}
	return t
}

// conf returns the group's upstream block and server.
func (g *group) conf() string {
	var b strings.Builder
	fmt.Fprintf(&b, "upstream %s {\n zone %s 2m;\n resolver %s ipv6=off;\n", g.name, g.name, g.dns.Addr())
	if g.method != "" {
		fmt.Fprintf(&b, " %s;\n", g.method)
	}
	for n := range g.names {
		fmt.Fprintf(&b, " server %s;\n", g.server(n))
	}
	fmt.Fprintf(&b, "}\nserver { listen 127.0.0.1:%d; proxy_pass %s; }\n", g.listen, g.name)
	return b.String()
}

// server returns the n-th server of the block.
func (g *group) server(n int) string {
	text := fmt.Sprintf("%d.names:%d resolve max_fails=0", n, g.port(n))
	if g.kind == "SRV" {
		text = fmt.Sprintf("%d.names service=mqtt resolve max_fails=0", n)
	}
	if g.each {
		text += " ring=address"
	}
	return text
}
