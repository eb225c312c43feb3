package poll

import (
	"errors"
	"math"
	"net"
	"testing"
	"time"
)

// TestCeilMillis tests that a long time does not become a negative number of milliseconds, which
// would mean forever.
func TestCeilMillis(t *testing.T) {
	for d, want := range map[time.Duration]int{
		-1: 0, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, 60 * 24 * time.Hour: math.MaxInt32, math.MaxInt64: math.MaxInt32,
	} {
		if got := CeilMillis(d); got != want {
			t.Errorf("CeilMillis(%v) = %d, want %d", d, got, want)
		}
	}
}

// opened returns a set with its mailbox.
func opened(t *testing.T) (*Set, *Mailbox) {
	t.Helper()
	s, m := &Set{}, &Mailbox{}
	if err := s.Open(m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, m
}

// TestMailbox tests that calls raise one event, run in order, and that a call may post another one.
func TestMailbox(t *testing.T) {
	s, m := opened(t)
	defer m.Close()
	var ran []int
	m.Post(func() { ran = append(ran, 1); m.Post(func() { ran = append(ran, 3) }) })
	m.Post(func() { ran = append(ran, 2) })
	for _, want := range []int{2, 3} {
		n := s.Poll(0)
		s.Received(n)
		if ev := s.Next(); n != 1 || ev.Fd != MailEvent || s.Next() != nil {
			t.Fatalf("got %d events, want one of the mailbox", n)
		}
		m.Receive()
		for f := m.Next(); f != nil; f = m.Next() {
			f()
		}
		if len(ran) != want || ran[want-1] != want {
			t.Fatalf("the calls ran as %v, want %d", ran, want)
		}
	}
	if n := s.Poll(0); n != 0 {
		t.Errorf("got %d events of an empty mailbox", n)
	}
}

// TestClosedMailbox tests that calls from before the end are returned, and that later ones are
// dropped.
func TestClosedMailbox(t *testing.T) {
	_, m := opened(t)
	ran := false
	m.Post(func() { ran = true })
	m.Shut()
	if m.Post(func() {}) {
		t.Error("a shut mailbox takes calls")
	}
	if err := m.Call(func() error { return nil }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
	m.Close()
	m.Next()()
	if !ran || m.Next() != nil {
		t.Error("other calls are left than the one from before the end")
	}
}
