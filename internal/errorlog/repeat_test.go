package errorlog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A limited is a log with a clock of its own, whose report is due when the test wants it.
type limited struct {
	*Log
	clock  time.Time
	lines  strings.Builder
	report func()
}

func newLimited(most int) *limited {
	l := &limited{clock: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	l.Log = New(func() time.Time { return l.clock }, 1)
	l.Add(Info, Lines(&l.lines))
	l.LimitRepeats(most)
	l.repeats.after = func(_ time.Duration, report func()) *time.Timer {
		l.report = report
		return nil
	}
	return l
}

// want checks the lines since the last call, without their time and numbers.
func (l *limited) want(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(l.lines.String()) {
		_, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "] 1#1: ")
		got = append(got, text)
	}
	l.lines.Reset()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

const reset = "recv() failed (104: Connection reset by peer) while proxying, client: 10.0.0.%d, server: 0.0.0.0:1883, upstream: \"b%d:1883\""

// TestRepeats checks that the same message is written as often as the limit allows, and that the others are
// reported with their number.
func TestRepeats(t *testing.T) {
	l := newLimited(2)
	for i := range 5 {
		l.Write(Error, 0, fmt.Sprintf(reset, i, 1))
	}
	l.want(t, fmt.Sprintf(reset, 0, 1), fmt.Sprintf(reset, 1, 1))
	l.report()
	l.want(t, "message repeated 3 times: "+fmt.Sprintf(reset, 2, 1))
	l.report()
	l.want(t)
	l.clock = l.clock.Add(repeatWindow)
	l.Write(Error, 0, fmt.Sprintf(reset, 6, 1))
	l.want(t, fmt.Sprintf(reset, 6, 1))
}

// TestDifferentMessages checks which messages count as the same.
func TestDifferentMessages(t *testing.T) {
	for _, c := range []struct {
		one, other string
		same       bool
	}{
		{fmt.Sprintf(reset, 1, 1), fmt.Sprintf(reset, 2, 1), true},
		{fmt.Sprintf(reset, 1, 1), fmt.Sprintf(reset, 1, 2), false},
		{"client [2001:db8::a]:5 connected to [::]:1883", "client 10.0.0.1:7 connected to [::]:1883", true},
		{"deleting socket a", "deleting socket b", false},
		{"exit", "exit", true},
	} {
		l := newLimited(1)
		l.Write(Error, 0, c.one)
		l.Write(Error, 0, c.other)
		if same := !strings.Contains(l.lines.String(), c.other) || c.one == c.other && strings.Count(l.lines.String(), c.one) == 1; same != c.same {
			t.Errorf("%q and %q are the same: %v", c.one, c.other, same)
		}
	}
	l := newLimited(1)
	l.Write(Error, 0, "exit")
	l.Write(Warn, 0, "exit")
	l.want(t, "exit", "exit")
}

// TestRepeatsOfOtherTargets checks lines of JSON and those that another log has made.
func TestRepeatsOfOtherTargets(t *testing.T) {
	l := newLimited(1)
	var json strings.Builder
	l.AddJSON(Error, Lines(&json))
	from := New(func() time.Time { return l.clock }, 1)
	from.Add(Error, l.Log)
	for i := range 3 {
		l.WriteRecord(Error, 7, &Record{Msg: "recv() failed", Tags: []Tag{{Name: "upstream", Text: "a"}, Number("n", int64(i))}})
		from.Write(Error, 0, "exit")
	}
	l.ReportRepeats()
	l.want(t, "exit", "message repeated 2 times: exit")
	for text, want := range map[string]int{`"msg":"recv() failed"`: 1, `"msg":"message repeated 2 times: recv() failed"`: 1, `"msg":"exit"`: 1} {
		if got := strings.Count(json.String(), text); got != want {
			t.Errorf("%s is there %d times: %s", text, got, json.String())
		}
	}
	(*Log)(nil).ReportRepeats()
	New(nil, 0).ReportRepeats()
}

// TestManyMessages checks that the memory for different messages is limited, and used again.
func TestManyMessages(t *testing.T) {
	l := newLimited(1)
	word := func(i int) string { return strings.Repeat("x", i+1) }
	for i := range maxRepeats + 1 {
		l.Write(Error, 0, word(i))
	}
	l.lines.Reset()
	l.Write(Error, 0, "x")
	l.want(t)
	for range 2 {
		l.Write(Error, 0, word(maxRepeats))
	}
	if got := strings.Count(l.lines.String(), "\n"); got != 2 || len(l.repeats.seen) != maxRepeats {
		t.Errorf("%d lines, %d messages", got, len(l.repeats.seen))
	}
	l.clock = l.clock.Add(2 * repeatWindow)
	l.lines.Reset()
	for range 2 {
		l.Write(Error, 0, word(maxRepeats))
	}
	if got := strings.Count(l.lines.String(), "\n"); got != 1 || len(l.repeats.seen) != 2 {
		t.Errorf("after a pause %d lines, %d messages", got, len(l.repeats.seen))
	}
}
