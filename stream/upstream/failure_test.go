package upstream_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// TestFailures runs scripts of sessions and seconds; all but those with a bracket or a question
// mark have been verified with nginx 1.22.1. A word is
//
//	a     a new session: gets a, connects, ends
//	a!    a new session: gets a, which fails; the words up to the next session are its further attempts
//	>b    the same session: gets b, connects, ends;  >b!  gets b, which fails;  >-  gets no peer
//	(a    a new session: gets a and connects, later ended by )a;  [a  the same without connecting, later failed by ]a, or abandoned by ~a
//	-     a new session: gets no peer
//	a?    a new session: gets a, but the attempt does not reach it
//	+10   ten seconds pass
//	*     since the last star, one server has been logged as disabled
func TestFailures(t *testing.T) {
	tests := []struct {
		name  string
		peers []upstream.PeerConf
		story string
	}{
		{"one failure disables, for fail_timeout in whole seconds", twoPeers(1, 10), "a! * >b b b +10 b b +1 b b a b"},
		{"the weight recovers step by step", heavy(4, 4), "a! >b a b! >a a a a a b"},
		{"max_fails counts", twoPeers(3, 10), "a! >b b! >a a! >b b a! * >b b b b"},
		{"a success soon after a failure does not reset the count", twoPeers(2, 10), "a! >b b a b a! * >b b b"},
		{"a success after the pause resets the count", twoPeers(2, 10), "a! >b +11 b a b a! >b b a"},
		{"a second failure within the pause disables at once", twoPeers(2, 10), "a! >b +10 b a! * >b b b +10 b"},
		{"only one session probes", twoPeers(1, 10), "a! * >b +11 b b [a b b b ]a * b"},
		{"an attempt that does not reach the server is no failure", twoPeers(1, 10), "a? >b b? >a a"},
		{"a probe that does not reach the server is repeated by another session", twoPeers(1, 10), "a! * >b +11 b b a? >b b a? >b b a! * >b b"},
		{"an abandoned probe does not end the pause", twoPeers(1, 10), "a! * >b +11 b b [a b ~a b +10 b +1 b a"},
		{"a probe that connects ends the pause for all", twoPeers(1, 10), "a! * >b +11 b b (a b a b )a a b"},
		{"max_fails=0 never counts", twoPeers(0, 10), "a! >b! b! >a! a! >b! b a"},
		{"fail_timeout=0 pauses for the rest of the second", twoPeers(1, 0), "a! * >b b +1 b b a"},
		{"all failed: no live upstreams, no peer is used before its pause ends", twoPeers(1, 10), "a! * >b! * - - +10 - +1 b b a"},
		{"backups are used while all primaries are out of use", withBackup(), "a! * >c c c +11 a a"},
		{"backups are tried after every primary in one session", withBackup(), "a! * >c! * - +11 a"},
		{"one primary with a backup is not a single peer", withBackup(), "a! * >c c +5 c"},
		{"failures of a single peer are not counted", []upstream.PeerConf{peer("a", 1, 10)}, "a! a! a! a"},
		{"a single peer that is down", []upstream.PeerConf{{Server: "a", Weight: 1, Down: true}}, "- -"},
		{"a single peer at max_conns", []upstream.PeerConf{{Server: "a", Weight: 1, MaxConns: 1}}, "(a - )a a"},
		{"down peers are not offered", []upstream.PeerConf{peer("a", 1, 10), {Server: "b", Weight: 1, Down: true}}, "a! * -"},
		{"slow_start begins at no weight", slowStart(1, 10), "a! * >b +11 b b a b b b b b"},
		{"slow_start after half of its time", slowStart(1, 10), "a! * >b +11 b b a b +5 b b b a b b a b b a"},
		{"slow_start ends", slowStart(1, 10), "a! * >b +11 b b a b +10 b a b a"},
		{"slow_start applies only to a server that was out of use", slowStart(2, 10), "a! >b +11 b a b a"},
		{"slow_start begins again", slowStart(1, 10), "a! * >b +11 b b a b +5 b b b a! * >b b +11 b b a b b b b"},
		{"slow_start of the only available server", onlySlow(), "a! * - +11 a a a"},
		{"slow_start of a single peer is ignored", []upstream.PeerConf{{Server: "a", Weight: 1, MaxFails: 1, SlowStart: 10 * time.Second}}, "a! a! a"},
		{"max_conns counts a session until its end", []upstream.PeerConf{{Server: "a", Weight: 1, MaxConns: 1}, peer("b", 1, 10)}, "(a b b )a b a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { runStory(t, tt.peers, tt.story) })
	}
}

func peer(name string, maxFails, failTimeout int) upstream.PeerConf {
	return upstream.PeerConf{Server: name, Weight: 1, MaxFails: maxFails, FailTimeout: time.Duration(failTimeout) * time.Second}
}

func twoPeers(maxFails, failTimeout int) []upstream.PeerConf {
	return []upstream.PeerConf{peer("a", maxFails, failTimeout), peer("b", maxFails, failTimeout)}
}

// slowStart returns two peers, of which the first recovers in ten seconds.
func slowStart(maxFails, failTimeout int) []upstream.PeerConf {
	list := twoPeers(maxFails, failTimeout)
	list[0].SlowStart = 10 * time.Second
	return list
}

// onlySlow returns a peer that recovers slowly, and one that is down.
func onlySlow() []upstream.PeerConf {
	list := slowStart(1, 10)
	list[1].Down = true
	return list
}

// heavy returns two peers, of which the first has a weight.
func heavy(weight, maxFails int) []upstream.PeerConf {
	list := twoPeers(maxFails, 10)
	list[0].Weight = weight
	return list
}

func withBackup() []upstream.PeerConf {
	c := peer("c", 1, 10)
	c.Backup = true
	return []upstream.PeerConf{peer("a", 1, 10), c}
}

// A failureStory runs the script of a test.
type failureStory struct {
	*testing.T
	bench   *upstreamtest.Bench
	group   *upstream.Group
	picker  upstream.Picker        // of the last session
	open    map[string]openSession // by the word that ends it
	logged  int
	starred int
}

type openSession struct {
	picker  upstream.Picker
	peer    *upstream.Peer
	outcome upstream.Outcome
}

func runStory(t *testing.T, peers []upstream.PeerConf, text string) {
	t.Helper()
	list := make([]*upstream.PeerConf, len(peers))
	for i := range peers {
		list[i] = &peers[i]
	}
	s := &failureStory{T: t, bench: upstreamtest.NewBench(), open: map[string]openSession{}}
	s.group = upstream.NewGroup("u", list, upstream.RoundRobin)
	for i, word := range strings.Fields(text) {
		if !s.word(word) {
			t.Fatalf("at word %d of %q", i+1, text)
		}
	}
	if s.logged != s.starred {
		t.Errorf("%d servers were logged as disabled, want %d", s.logged, s.starred)
	}
}

// word executes one word and reports whether its expectation is met.
func (s *failureStory) word(w string) bool {
	if o, ok := s.open[w]; ok {
		s.free(o.picker, o.peer, o.outcome)
		return true
	}
	switch w[0] {
	case '+':
		seconds, _ := strconv.Atoi(w[1:])
		s.bench.Advance(time.Duration(seconds) * time.Second)
		return true
	case '*':
		s.starred++
		return s.logged == s.starred
	case '>':
		return s.attempt(w[1:])
	}
	s.picker = s.group.Begin(s.bench.Session())
	return s.attempt(w)
}

func (s *failureStory) attempt(w string) bool {
	peer, err := s.picker.Pick()
	if err != nil {
		s.Logf("%q: %v", w, err)
		return w == "-"
	}
	if name := strings.Trim(w, "([!?"); name != peer.Server {
		s.Logf("%q: got %s", w, peer.Server)
		return false
	}
	switch {
	case w[0] == '(':
		s.picker.Notify(peer, upstream.Connected, 0)
		s.open[")"+w[1:]] = openSession{s.picker, peer, upstream.Succeeded}
	case w[0] == '[':
		s.open["]"+w[1:]] = openSession{s.picker, peer, upstream.Failed}
		s.open["~"+w[1:]] = openSession{s.picker, peer, upstream.Abandoned}
	case strings.HasSuffix(w, "!"):
		s.free(s.picker, peer, upstream.Failed)
	case strings.HasSuffix(w, "?"):
		s.free(s.picker, peer, upstream.Untried)
	default:
		s.picker.Notify(peer, upstream.Connected, 0)
		s.free(s.picker, peer, upstream.Succeeded)
	}
	return true
}

func (s *failureStory) free(p upstream.Picker, peer *upstream.Peer, o upstream.Outcome) {
	p.Free(peer, o, &stream.Try{})
	for _, line := range s.bench.Lines() {
		if strings.Contains(line, "[warn]") && strings.Contains(line, "upstream server temporarily disabled") {
			s.logged++
		}
	}
}

// TestSystemClockChanges checks that a server pauses for fail_timeout, even if the system clock is
// set meanwhile.
func TestSystemClockChanges(t *testing.T) {
	const hour = 3600
	for _, back := range []int{hour, -hour} {
		bench := upstreamtest.NewBench()
		bench.RunClock()
		a := peer("a", 1, 10)
		g := upstream.NewGroup("u", []*upstream.PeerConf{&a, {Server: "b", Weight: 1, Down: true}}, upstream.RoundRobin)
		p := g.Begin(bench.Session())
		first, err := p.Pick()
		if err != nil {
			t.Fatal(err)
		}
		p.Free(first, upstream.Failed, &stream.Try{})
		bench.SetBack(t, back)
		if _, err := g.Begin(bench.Session()).Pick(); err == nil {
			t.Errorf("set back by %d s: the server does not rest", back)
		}
		bench.Advance(12 * time.Second)
		if _, err := g.Begin(bench.Session()).Pick(); err != nil {
			t.Errorf("set back by %d s: the server rests for more than fail_timeout", back)
		}
	}
}
