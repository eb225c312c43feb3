package dnschurn

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/conformance/ports"
	"weir/conformance/program"
)

const (
	// manyNames is the number of names that make a set change often: weir, like nginx, asks for one
	// name at most once a second.
	manyNames = 64
	// enough is how often the set of each group of many names must change, unless that takes more
	// than longest.
	enough  = 1000
	longest = 2 * time.Minute
)

// groups are round robin, a random method and one that hashes, each on A and on SRV records. Sets
// of many names change all the time by one server; that of one name changes completely, once a
// second.
func groups() []*group {
	var all []*group
	add := func(name, method string, each bool, names, step int) {
		for _, kind := range []string{"A", "SRV"} {
			all = append(all, &group{
				name: fmt.Sprintf("%s_%s_%d", name, kind, names), method: method, kind: kind, each: each, names: names, step: step,
			})
		}
	}
	const hash = "hash $mqtt_preread_clientid consistent"
	add("round_robin", "", false, manyNames, 1)
	add("random_two", "random two", false, manyNames, 1)
	add("hash", hash, false, manyNames, 1)
	add("ring_address", hash, true, manyNames, 1)
	add("round_robin", "", false, 1, perSet)
	add("random_two", "random two", false, 1, perSet)
	add("hash", hash, false, 1, perSet)
	return all
}

// TestChangesUnderLoad opens fifty connections a second to each group of many names, and a quarter
// of that to those of one name, while the sets of their servers change. Some servers refuse, so
// that sessions choose again. WEIR_SOAK sets a longer duration: in 17 minutes the set of one name
// changes a thousand times.
func TestChangesUnderLoad(t *testing.T) {
	fleet := startBrokers(t)
	all := groups()
	dead := ports.Reserve(t)
	for i, g := range all {
		g.number, g.brokers, g.dead, g.listen = i, fleet.port(t), int(dead.Port()), int(ports.Reserve(t).Port())
		g.serve(t)
	}
	w := startWeir(t, all)
	program.Await(t, "weir to ask again", func() bool {
		for _, g := range all {
			if !g.settled() {
				return false
			}
		}
		return true
	})
	began := time.Now()
	crowds := load(all, func() { awaitChanges(t, all) })
	t.Logf("%v of load", time.Since(began).Round(time.Second))
	w.Quit(t)
	noErrors(t, w)
	j := newChecker(t, w, fleet)
	for _, c := range crowds {
		t.Run(c.group.name, func(t *testing.T) { j.checkGroup(t, c) })
	}
	j.checkUnknownVisits(t)
}

// load runs the clients of all groups until wait returns.
func load(all []*group, wait func()) []*clientSet {
	stop := make(chan struct{})
	var crowds []*clientSet
	var coming sync.WaitGroup
	for _, g := range all {
		c := &clientSet{group: g, clients: 40, pause: 800 * time.Millisecond}
		if g.names == 1 {
			c.clients = 10
		}
		crowds = append(crowds, c)
		g.before = g.changes()
		coming.Go(func() { c.run(stop) })
	}
	wait()
	close(stop)
	coming.Wait()
	return crowds
}

// awaitChanges returns after enough changes, or after the time limit.
func awaitChanges(t *testing.T, all []*group) {
	t.Helper()
	soak, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	limit := longest
	if err == nil {
		limit = soak
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		missing := false
		for _, g := range all {
			missing = missing || g.names > 1 && g.changes()-g.before < enough
		}
		if !missing && err != nil {
			return
		}
	}
}

// expected are parts of the lines that weir may log.
var expected = []string{
	"connect() failed (111: Connection refused)",
	`"ring=address" makes each of them a server`, // at the start
}

// noErrors checks that weir logs no errors except the expected ones, so no "no live upstreams".
func noErrors(t *testing.T, w *program.Server) {
	t.Helper()
	shown := 0
	for line := range strings.Lines(w.Read(t, "error.log")) {
		if slices.ContainsFunc(expected, func(part string) bool { return strings.Contains(line, part) }) {
			continue
		}
		for _, level := range []string{"[warn]", "[error]", "[crit]", "[alert]", "[emerg]"} {
			if strings.Contains(line, level) && shown < 10 {
				shown++
				t.Errorf("weir logs %s", line)
			}
		}
	}
}
