package poll

import (
	"testing"
	"time"

	"weir/stream"
)

// fakeLoop is a loop whose sessions end when they are aborted. Every third index is free.
type fakeLoop struct {
	sessions []*stream.Session
	current  uint32
	aborted  []uint64
}

// Select returns a session.
func (l *fakeLoop) Select(index uint32, _ *Abort) *stream.Session {
	l.current = index
	return l.sessions[index]
}

// AbortSelected ends the session.
func (l *fakeLoop) AbortSelected() {
	l.aborted = append(l.aborted, l.sessions[l.current].ID)
	l.sessions[l.current] = nil
}

func newFakeLoop(n int) *fakeLoop {
	l := &fakeLoop{sessions: make([]*stream.Session, n)}
	for i := range l.sessions {
		if i%3 != 0 {
			l.sessions[i] = &stream.Session{ID: uint64(i)}
		}
	}
	return l
}

func odd(s *stream.Session) bool { return s.ID%2 == 1 }

// TestAbortsInSlices tests that an abort checks each session that existed at its start, over several
// turns.
func TestAbortsInSlices(t *testing.T) {
	const n = 3 * abortSlice
	l := newFakeLoop(n)
	var aborts Aborts
	aborts.Start(odd, nil, n)
	l.sessions = append(l.sessions, &stream.Session{ID: 2*n + 1})
	turns := 0
	for ; len(aborts) > 0; turns++ {
		if !aborts.Ready(time.Now()) {
			t.Fatal("an abort without a pace has to wait")
		}
		aborts.Continue(time.Now(), l)
	}
	if len(l.aborted) != n/3 || turns < 3 {
		t.Errorf("%d sessions were aborted in %d turns, want %d in at least 3", len(l.aborted), turns, n/3)
	}
	for _, id := range l.aborted {
		if id%2 == 0 || id >= n {
			t.Errorf("session %d was aborted", id)
		}
	}
}

// TestPacedAborts tests that loops share the budget of an abort.
func TestPacedAborts(t *testing.T) {
	budget := stream.NewBudget(100)
	var loops [2]*fakeLoop
	var aborts [2]Aborts
	for i := range loops {
		loops[i] = newFakeLoop(9)
		aborts[i].Start(odd, budget, 9)
	}
	start := time.Now()
	for turn, want := range []int{1, 2, 3, 4, 5, 6, 6} {
		now := start.Add(time.Duration(turn) * 10 * time.Millisecond)
		for i := range loops {
			aborts[i].Continue(now, loops[i])
		}
		if got := len(loops[0].aborted) + len(loops[1].aborted); got != want {
			t.Errorf("after %v %d sessions are aborted, want %d", now.Sub(start), got, want)
		}
	}
	if len(aborts[0])+len(aborts[1]) != 0 {
		t.Error("an abort is not finished")
	}
}

// TestConcurrentAborts tests that an abort does not wait for one with a lower rate.
func TestConcurrentAborts(t *testing.T) {
	l := newFakeLoop(12)
	var aborts Aborts
	slow := stream.NewBudget(1)
	slow.Spend(time.Now())
	aborts.Start(odd, slow, 12)
	aborts.Start(func(s *stream.Session) bool { return !odd(s) }, nil, 12)
	if !aborts.Ready(time.Now()) {
		t.Error("the second abort is not ready")
	}
	aborts.Continue(time.Now(), l)
	if len(l.aborted) != 4 || len(aborts) != 1 || aborts.Ready(time.Now()) {
		t.Errorf("aborted %v, %d aborts continue", l.aborted, len(aborts))
	}
}

// TestMissedAbort tests that a session that an abort has missed counts for the rate.
func TestMissedAbort(t *testing.T) {
	now := time.Now()
	b := stream.NewBudget(1)
	a := &Abort{match: odd, budget: b}
	if a.Missed(now, &stream.Session{ID: 2}) || !a.Missed(now, &stream.Session{ID: 1}) {
		t.Error("the abort matches other sessions")
	}
	if b.Take(now.Add(900 * time.Millisecond)) {
		t.Error("a second session ends in the first second")
	}
}
