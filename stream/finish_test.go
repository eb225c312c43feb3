package stream_test

import (
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// journal records the calls made for a session, in order.
type journal struct{ notes []string }

func (j *journal) note(text string) { j.notes = append(j.notes, text) }

func (j *journal) check(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(j.notes, ", "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// entry is a logger and a lease that record their calls.
type entry struct {
	*journal
	name string
}

func (e entry) Log(s *stream.Session) { e.note(e.name + " logs " + string(rune('0'+s.Status/100))) }
func (e entry) Release()              { e.note(e.name + " is released") }

func TestFinish(t *testing.T) {
	var j journal
	l := listener()
	l.Default.Loggers = []stream.Logger{entry{&j, "first"}, entry{&j, "second"}}
	s := offline.NewSession(t, l)
	s.Hold(entry{&j, "first"})
	s.Hold(nil)
	s.Hold(entry{&j, "second"})
	offline.Script(t, s, `
		accepted -> send ""
		relayed  -> finish`)
	j.check(t, "first logs 2, second logs 2, second is released, first is released")
}

// TestLeaseOfNewSession checks that a session releases last the lease that it was accepted with.
func TestLeaseOfNewSession(t *testing.T) {
	var j journal
	base := offline.NewSession(t, listener())
	s := stream.NewSession(base.Listen, base.Env, base.Client, entry{&j, "generation"})
	s.Hold(entry{&j, "place"})
	s.Advance(stream.Event{Kind: stream.Accepted})
	s.Advance(stream.Event{Kind: stream.Relayed})
	j.check(t, "place is released, generation is released")
}

func TestFinishTwicePanics(t *testing.T) {
	s := offline.NewSession(t, listener())
	offline.Script(t, s, `
		accepted -> send ""
		relayed  -> finish`)
	defer func() {
		if recover() == nil {
			t.Error("finishing twice did not panic")
		}
	}()
	s.Finish(stream.StatusOK)
}

// TestPanicEndsTheSession checks that a panic at any point ends one session, and that its leases
// are released once.
func TestPanicEndsTheSession(t *testing.T) {
	bug := func(*stream.Session) (stream.Verdict, error) { panic("a bug") }
	tests := []struct {
		name   string
		change func(*stream.Server)
		notes  string
	}{
		{"in a handler", func(s *stream.Server) { s.Handlers[stream.Access] = []stream.Handler{handler(bug)} }, "lease is released"},
		{"in the content", func(s *stream.Server) { s.Content = broken{} }, "lease is released"},
		{"in a logger", func(s *stream.Server) { s.Content, s.Loggers = nil, []stream.Logger{broken{}} }, "lease is released"},
		{"in a later lease", func(s *stream.Server) {
			s.Content = nil
			s.Handlers[stream.Access] = []stream.Handler{handler(func(s *stream.Session) (stream.Verdict, error) {
				s.Hold(broken{})
				return stream.Next, nil
			})}
		}, "lease is released"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var j journal
			l := listener()
			tt.change(l.Default)
			s := offline.NewSession(t, l)
			s.Hold(entry{&j, "lease"})
			step := s.Advance(stream.Event{Kind: stream.Accepted})
			if step.Do != stream.Finish || s.Status != stream.StatusInternal {
				t.Errorf("got step %d and status %d, want Finish and 500", step.Do, s.Status)
			}
			if s.Lines.Count("[alert] *1 panic: a bug") != 1 {
				t.Errorf("got log %q, want one alert", s.Lines.All())
			}
			j.check(t, tt.notes)
		})
	}
}

// broken panics in every method.
type broken struct{}

func (broken) Begin(*stream.Session) stream.Step              { panic("a bug") }
func (broken) Next(*stream.Session, stream.Event) stream.Step { panic("a bug") }
func (broken) Log(*stream.Session)                            { panic("a bug") }
func (broken) Release()                                       { panic("a bug") }

// TestEventAfterFinish checks that an event after Finish is logged and does no harm.
func TestEventAfterFinish(t *testing.T) {
	var j journal
	l := listener()
	l.Default.Content, l.Default.Loggers = nil, []stream.Logger{entry{&j, "log"}}
	s := offline.NewSession(t, l)
	s.Hold(entry{&j, "lease"})
	offline.Script(t, s, `
		accepted -> finish
		eof      -> finish reset`)
	j.check(t, "log logs 5, lease is released")
	if s.Lines.Count("[alert] *1 panic: stream: event for a session that has finished") != 1 {
		t.Errorf("got log %q, want one alert", s.Lines.All())
	}
}
