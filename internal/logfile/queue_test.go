package logfile

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/internal/testwait"
)

// A sink records the bytes of each write call. It can be blocked.
type sink struct {
	mu     sync.Mutex
	writes []string
	err    error
	hold   chan struct{} // nil makes writes return at once
}

func (s *sink) write(p []byte) (int, error) {
	s.mu.Lock()
	s.writes = append(s.writes, string(p))
	err, hold := s.err, s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if err != nil {
		return countLines(p), err
	}
	return 0, nil
}

func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

func (s *sink) text() string { return strings.Join(s.got(), "") }

func newQueue(b Buffering, s *sink) *Queue {
	q := NewQueue("log", s.write)
	q.buffer = b
	return q
}

func mustWait(t *testing.T, q *Queue) {
	t.Helper()
	if !q.waitWritten(10 * time.Second) {
		t.Fatal("the queue was not written")
	}
}

func TestBufferIsWrittenWhenTheNextLineDoesNotFit(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []string // the writes; the last one is the final flush
	}{
		{"all fit", []string{"a\n", "b\n"}, []string{"a\nb\n"}},
		{"exactly full", []string{"1234567\n", "9\n", "x\n"}, []string{"1234567\n9\n", "x\n"}},
		{"larger than the buffer", []string{"a\n", "1234567890\n", "b\n"}, []string{"a\n1234567890\n", "b\n"}},
		{"larger than the empty buffer", []string{"1234567890\n"}, []string{"1234567890\n"}},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &sink{}
			q := newQueue(Buffering{Size: 10}, s)
			for _, line := range tt.lines {
				q.Put([]byte(line))
				mustWait(t, q)
			}
			q.Wait(10 * time.Second)
			if got := s.got(); !slices.Equal(got, tt.want) {
				t.Errorf("Put(%q) wrote %q, want %q", tt.lines, got, tt.want)
			}
		})
	}
}

func TestQueueWritesTogetherWhatCameMeanwhile(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	q := newQueue(Buffering{}, s)
	q.Put([]byte("1\n"))
	testwait.Eventually(t, "the first write", func() bool { return len(s.got()) == 1 })
	for _, line := range []string{"2\n", "3\n", "4\n"} {
		q.Put([]byte(line))
	}
	close(s.hold)
	mustWait(t, q)
	if got, want := s.got(), []string{"1\n", "2\n3\n4\n"}; !slices.Equal(got, want) {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestLinesInQuickSuccessionAreWrittenTogether(t *testing.T) {
	s := &sink{}
	q := newQueue(Buffering{}, s)
	q.Put([]byte("1\n"))
	mustWait(t, q)
	q.mu.Lock()
	q.rested = q.rested.Add(time.Hour) // so that the delay does not end
	q.mu.Unlock()
	q.Put([]byte("2\n"))
	q.Put([]byte("3\n"))
	if got := s.text(); got != "1\n" {
		t.Errorf("wrote %q at once", got)
	}
	q.Flush()
	mustWait(t, q)
	if got, want := s.got(), []string{"1\n", "2\n3\n"}; !slices.Equal(got, want) {
		t.Errorf("wrote %q, want %q", got, want)
	}
	q.mu.Lock()
	q.rested = q.rested.Add(time.Hour)
	q.mu.Unlock()
	for range batchSize/100 + 1 {
		q.Put([]byte(strings.Repeat("x", 99) + "\n"))
	}
	mustWait(t, q) // so many bytes are not delayed
}

// fill puts lines until the queue, whose writer blocks, drops one, and returns how many were
// accepted.
func fill(q *Queue, line []byte) (taken int) {
	for ; ; taken++ {
		q.Put(line)
		q.mu.Lock()
		full := q.loss.blocked
		q.mu.Unlock()
		if full {
			return taken
		}
	}
}

func TestFullQueueDropsWholeLinesAndReportsThem(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	q := newQueue(Buffering{}, s)
	reports := make(chan Loss, 10)
	q.OnLoss(func(l Loss) { reports <- l })
	line := []byte(strings.Repeat("x", 999) + "\n")
	taken := fill(q, line)
	for range 41 {
		q.Put(line)
	}
	if first := <-reports; first.Lines != 42 || first.Error() != `log queue of "log" is full` {
		t.Errorf("first report: %v, %d lines, want 42", first, first.Lines)
	}
	q.Put(line)
	close(s.hold)
	mustWait(t, q)
	if last := <-reports; last.Lines != 43 {
		t.Errorf("report once there is room: %d lines, want all 43", last.Lines)
	}
	if taken > maxQueued/len(line)+1 {
		t.Errorf("%d lines of %d bytes were taken", taken, len(line))
	}
	if got := s.text(); got != strings.Repeat(string(line), taken) {
		t.Errorf("wrote %d bytes, want the %d lines that were taken", len(got), taken)
	}
}

// The error log itself may block: then its report is dropped and must be repeated.
func TestLossOfTheLogOfErrorsIsReportedInIt(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	q := newQueue(Buffering{}, s)
	reported := make(chan struct{}, 10)
	q.OnLoss(func(l Loss) {
		q.Put([]byte(l.Error() + strings.Repeat(".", 1000) + "\n"))
		reported <- struct{}{}
	})
	fill(q, []byte(strings.Repeat("x", 99)+"\n"))
	<-reported
	if strings.Contains(s.text(), "is full") {
		t.Fatal("the queue was not full")
	}
	close(s.hold)
	testwait.Eventually(t, "the report in the log", func() bool { return strings.Contains(s.text(), `log queue of "log" is full`) })
	mustWait(t, q)
	if n := strings.Count(s.text(), `log queue of "log" is full`); n != 1 {
		t.Errorf("there are %d reports", n)
	}
}

func TestFailureIsReportedAtOnceAndThenOnceAMinute(t *testing.T) {
	s := &sink{err: &WriteError{Path: "log", Err: syscall.EIO}}
	q := newQueue(Buffering{}, s)
	reports := make(chan Loss, 10)
	q.OnLoss(func(l Loss) { reports <- l })
	q.Put([]byte("x\n"))
	l := <-reports
	if l.Lines != 1 || l.Error() != `write() to "log" failed` || !errors.Is(l.Reason(), syscall.EIO) {
		t.Errorf("got %v, %v, %d lines", l, l.Reason(), l.Lines)
	}
	q.Put([]byte("y\nz\n"))
	mustWait(t, q)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.loss.lines != 2 || !q.loss.armed || len(reports) > 0 {
		t.Errorf("afterwards %d lines are to be reported, timer %v, %d reports", q.loss.lines, q.loss.armed, len(reports))
	}
}

func TestStepsKeepTheirPlace(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	q := newQueue(Buffering{Size: 100}, s)
	step := func(name string) func() {
		return func() { s.mu.Lock(); defer s.mu.Unlock(); s.writes = append(s.writes, name) }
	}
	q.Put([]byte("1\n"))
	q.after(step("a"))
	q.after(step("b"))
	q.Put([]byte("2\n"))
	q.Put([]byte("3\n"))
	q.after(step("c"))
	close(s.hold)
	mustWait(t, q)
	if got, want := s.text(), "1\nab2\n3\nc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPutAllocatesNothing(t *testing.T) {
	for _, b := range []Buffering{{}, {Size: 1000}, {Size: 1000, Flush: time.Hour}} {
		var writes atomic.Int64
		q := NewQueue("log", func([]byte) (int, error) { writes.Add(1); return 0, nil })
		q.buffer = b
		line := []byte(strings.Repeat("x", 99) + "\n")
		for range 1000 { // creates both buffers
			q.Put(line)
		}
		mustWait(t, q)
		if n := testing.AllocsPerRun(100, func() { q.Put(line) }); n != 0 {
			t.Errorf("%+v: Put allocates %v times", b, n)
		}
		q.Wait(10 * time.Second)
		q.close()
	}
}

func TestRoomOfABurstIsGivenBack(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	q := newQueue(Buffering{}, s)
	fill(q, []byte(strings.Repeat("x", 999)+"\n"))
	close(s.hold)
	mustWait(t, q)
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := cap(q.held) + cap(q.spare); n > 2*keptRoom {
		t.Errorf("an idle queue keeps %d bytes", n)
	}
}

func TestWaitIsBounded(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	q := newQueue(Buffering{}, s)
	q.Put([]byte("x\n"))
	if q.Wait(time.Millisecond) {
		t.Error("Wait reports that all is written")
	}
	close(s.hold)
	if !q.Wait(10 * time.Second) {
		t.Error("Wait reports that something is not written")
	}
}

func TestPiecesAreWholeLines(t *testing.T) {
	tests := []struct {
		text string
		size int
		want []string
	}{
		{"ab\ncd\n", 0, []string{"ab\ncd\n"}},
		{"ab\ncd\n", 6, []string{"ab\ncd\n"}},
		{"ab\ncd\n", 5, []string{"ab\n", "cd\n"}},
		{"abcdefgh\nij\nk\n", 5, []string{"abcdefgh\n", "ij\nk\n"}},
		{"abcdefgh", 5, []string{"abcdefgh"}},
	}
	for _, tt := range tests {
		var got []string
		n, err := writePieces(writerFunc(func(p []byte) (int, error) { got = append(got, string(p)); return len(p), nil }), []byte(tt.text), tt.size)
		if n != len(tt.text) || err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("writePieces(%q, %d) = %d, %v, wrote %q, want %q", tt.text, tt.size, n, err, got, tt.want)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
