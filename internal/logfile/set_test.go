package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/internal/testwait"
)

// openFile returns a set of one open file in its own directory.
func openFile(t *testing.T, b Buffering) (*Set, *File) {
	t.Helper()
	var s Set
	f := s.Get(filepath.Join(t.TempDir(), "log"))
	if b.Size > 0 {
		f.Buffer(b)
	}
	mustOpen(t, &s)
	return &s, f
}

func mustOpen(t *testing.T, s *Set) {
	t.Helper()
	if err := s.Open(OpenAppend); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNow(t, s) })
}

// closeNow closes s and waits for it.
func closeNow(t *testing.T, s *Set) {
	t.Helper()
	s.Close()
	if !s.Wait(10 * time.Second) {
		t.Error("the set was not closed")
	}
}

func waitFor(t *testing.T, s *Set) {
	t.Helper()
	if !s.Wait(10 * time.Second) {
		t.Fatal("the set was not written")
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGetReturnsOneFileForAPath(t *testing.T) {
	var s Set
	a, b := s.Get("/a"), s.Get("/b")
	if a == b || s.Get("/a") != a {
		t.Error("Get(path) is not one file for each path")
	}
	if got := strings.Join(s.Paths(), " "); got != "/a /b" {
		t.Errorf("Paths() = %s, want /a /b", got)
	}
}

func TestOpenGivesBackWhatItOpened(t *testing.T) {
	var s Set
	first := s.Get(filepath.Join(t.TempDir(), "log"))
	s.Get(filepath.Join(t.TempDir(), "missing", "log"))
	if err := s.Open(OpenAppend); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("Open: %v, want %v", err, os.ErrNotExist)
	}
	if _, err := first.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after a failed Open: %v, want %v", err, os.ErrClosed)
	}
}

func TestReopenLeavesTheMovedFileBehind(t *testing.T) {
	for _, b := range []Buffering{{}, {Size: 100}} {
		t.Run(fmt.Sprintf("buffer %d", b.Size), func(t *testing.T) {
			s, f := openFile(t, b)
			f.Put([]byte("before\n"))
			waitFor(t, s)
			f.Put([]byte("queued before\n"))
			os.Rename(f.Path(), f.Path()+".1")
			s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
			f.Put([]byte("after\n"))
			waitFor(t, s)
			if got := content(t, f.Path()+".1") + "|" + content(t, f.Path()); got != "before\nqueued before\n|after\n" {
				t.Errorf("moved and new file hold %q", got)
			}
		})
	}
}

func TestReopenKeepsAFileThatCannotBeOpened(t *testing.T) {
	obstacles := map[string]func(path string) error{
		"a directory":             func(path string) error { return os.Mkdir(path, 0o755) },
		"a pipe without a reader": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	}
	for name, make := range obstacles {
		t.Run(name, func(t *testing.T) {
			s, f := openFile(t, Buffering{})
			moved := f.Path() + ".1"
			os.Rename(f.Path(), moved)
			if err := make(f.Path()); err != nil {
				t.Skip(err)
			}
			told := []string{}
			s.Reopen(func(path string, err error) { told = append(told, path) })
			f.Put([]byte("still here\n"))
			waitFor(t, s)
			if len(told) != 1 || told[0] != f.Path() {
				t.Errorf("told of %q, want %q once", told, f.Path())
			}
			if got := content(t, moved); got != "still here\n" {
				t.Errorf("the old file holds %q", got)
			}
		})
	}
}

func TestOnOpenFollowsTheFile(t *testing.T) {
	s, f := openFile(t, Buffering{})
	var seen []os.FileInfo
	f.OnOpen(func(file *os.File) { info, _ := file.Stat(); seen = append(seen, info) })
	os.Rename(f.Path(), f.Path()+".1")
	s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
	f.OnOpen(nil)
	s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
	waitFor(t, s)
	if len(seen) != 2 || os.SameFile(seen[0], seen[1]) {
		t.Errorf("told of %d files, want the first and the second one", len(seen))
	}
}

func TestWritersLoseNoLineToReopen(t *testing.T) {
	for _, b := range []Buffering{{}, {Size: 64}, {Size: 4096, Flush: time.Millisecond}} {
		t.Run(fmt.Sprintf("%+v", b), func(t *testing.T) {
			s, f := openFile(t, b)
			var writers sync.WaitGroup
			for w := range 8 {
				writers.Go(func() { writeLines(f, w) })
			}
			moved := moveAndReopen(t, s, f, 20)
			writers.Wait()
			closeNow(t, s)
			var all strings.Builder
			for _, path := range append(moved, f.Path()) {
				all.WriteString(content(t, path))
			}
			checkLines(t, all.String(), 8, linesEach)
		})
	}
}

const linesEach = 500

func writeLines(f *File, writer int) {
	for i := range linesEach {
		f.Put(fmt.Appendf(nil, "%d %d %s\n", writer, i, strings.Repeat("x", (i*37)%90)))
	}
}

func moveAndReopen(t *testing.T, s *Set, f *File, times int) (moved []string) {
	t.Helper()
	for i := range times {
		to := fmt.Sprintf("%s.%d", f.Path(), i)
		if err := os.Rename(f.Path(), to); err != nil {
			t.Error(err)
		}
		moved = append(moved, to)
		s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
		waitFor(t, s)
	}
	return moved
}

// checkLines checks that every line of every writer is present, whole and once, and that the lines
// of each writer are in order.
func checkLines(t *testing.T, text string, writers, each int) {
	t.Helper()
	next := make([]int, writers)
	for line := range strings.Lines(text) {
		var w, i int
		var pad string
		fmt.Sscanf(line, "%d %d %s\n", &w, &i, &pad)
		if w < 0 || w >= writers || i != next[w] || len(pad) != (i*37)%90 {
			t.Fatalf("got line %q, want the line %d of writer %d", line, next[w], w)
		}
		next[w]++
	}
	for w, n := range next {
		if n != each {
			t.Errorf("writer %d has %d lines, want %d", w, n, each)
		}
	}
}

func TestFlushTime(t *testing.T) {
	_, f := openFile(t, Buffering{Size: 1000, Flush: 20 * time.Millisecond})
	for i := range 3 {
		f.Put([]byte("line\n"))
		testwait.Eventually(t, "the flush", func() bool { return content(t, f.Path()) == strings.Repeat("line\n", i+1) })
	}
}

func TestCloseFlushes(t *testing.T) {
	s, f := openFile(t, Buffering{Size: 1000})
	f.Put([]byte("line\n"))
	if got := content(t, f.Path()); got != "" {
		t.Errorf("before Close the file holds %q", got)
	}
	closeNow(t, s)
	if got := content(t, f.Path()); got != "line\n" {
		t.Errorf("after Close the file holds %q", got)
	}
	if !s.Closed() || f.Put([]byte("late\n")) {
		t.Error("the file takes lines after Close")
	}
}

// newPipe creates a named pipe.
func newPipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	return path
}

// openReader opens a pipe for reading, without waiting for a writer.
func openReader(t *testing.T, path string) *os.File {
	t.Helper()
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	return reader
}

func wantRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("read %q, %v, want %q", got, err, want)
	}
}

func TestPipesAreWrittenAndReopened(t *testing.T) {
	path := newPipe(t)
	reader := openReader(t, path)
	var s Set
	f := s.Get(path)
	mustOpen(t, &s)
	f.Put([]byte("one\n"))
	s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
	f.Put([]byte("two\n"))
	wantRead(t, reader, "one\ntwo\n")
}

func TestPipeWaitsForItsReader(t *testing.T) {
	path := newPipe(t)
	var s Set
	f := s.Get(path)
	mustOpen(t, &s)
	f.Put([]byte("early\n"))
	s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
	f.Put([]byte("later\n"))
	if s.Wait(time.Millisecond) {
		t.Error("lines were written without a reader")
	}
	wantRead(t, openReader(t, path), "early\nlater\n")
}

func TestCloseGivesUpAPipeWithoutAReader(t *testing.T) {
	var s Set
	f := s.Get(newPipe(t))
	mustOpen(t, &s)
	f.Put([]byte("lost\n"))
	closeNow(t, &s)
}

func TestGiveUpEndsAWriteToAPipe(t *testing.T) {
	path := newPipe(t)
	openReader(t, path)
	var s Set
	f := s.Get(path)
	if err := s.Open(OpenAppend); err != nil {
		t.Fatal(err)
	}
	fill(&f.Queue, []byte(strings.Repeat("x", 4095)+"\n"))
	s.Close()
	if s.Wait(time.Millisecond) {
		t.Error("the full pipe was written")
	}
	f.giveUp()
	waitFor(t, &s)
}

func TestFollowKeepsTheOrderOfTwoSets(t *testing.T) {
	path := newPipe(t)
	var old, next Set
	before, after := old.Get(path), next.Get(path)
	mustOpen(t, &old)
	before.Put([]byte("old\n"))
	reader := openReader(t, path)
	mustOpen(t, &next)
	next.Follow(&old)
	after.Put([]byte("next\n"))
	wantRead(t, reader, "old\nnext\n")
}

func TestFullDiskIsReportedOnceAMinute(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for _, b := range []Buffering{{}, {Size: 10}, {Size: 10, Gzip: 1}} {
		told := make(chan Loss, 10)
		var s Set
		f := s.Get("/dev/full")
		f.Buffer(b)
		s.OnLoss(func(l Loss) { told <- l })
		mustOpen(t, &s)
		f.Put([]byte("x\n"))
		f.Flush()
		f.Put([]byte("y\nz\n"))
		closeNow(t, &s)
		l := <-told
		if got, want := fmt.Sprint(l, l.Reason()), `write() to "/dev/full" failed no space left on device`; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		f.mu.Lock()
		if n := l.Lines + f.loss.lines; n != 3 || len(told) > 0 {
			t.Errorf("%d lines counted, want 3; %d more reports", n, len(told))
		}
		f.mu.Unlock()
	}
}

func TestEachWriteIsOneGzipMember(t *testing.T) {
	s, f := openFile(t, Buffering{Size: 8, Gzip: 1})
	size := int64(0)
	for _, tt := range []struct{ put, member string }{
		{"one\n", ""}, {"two\n", ""}, {"three\n", "one\ntwo\n"}, {"larger than all of it\n", "three\nlarger than all of it\n"},
	} {
		f.Put([]byte(tt.put))
		if !f.waitWritten(10 * time.Second) {
			t.Fatal("the file was not written")
		}
		packed := content(t, f.Path())[size:]
		size += int64(len(packed))
		if got := gunzip(t, packed); got != tt.member {
			t.Errorf("after %q: got member %q, want %q", tt.put, got, tt.member)
		}
	}
	waitFor(t, s)
	if got, want := gunzip(t, content(t, f.Path())), "one\ntwo\nthree\nlarger than all of it\n"; got != want {
		t.Errorf("the whole file holds %q, want %q", got, want)
	}
}

func gunzip(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	r, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestBufferIsOnePerFile(t *testing.T) {
	f := newFile("/x")
	tests := []struct {
		name string
		b    Buffering
		want bool
	}{
		{"first", Buffering{Size: 10}, true},
		{"the same", Buffering{Size: 10}, true},
		{"another size", Buffering{Size: 11}, false},
		{"compressed", Buffering{Size: 10, Gzip: 1}, false},
		{"flushed", Buffering{Size: 10, Flush: 1}, false},
	}
	for _, tt := range tests {
		if got := f.Buffer(tt.b); got != tt.want {
			t.Errorf("%s: Buffer(%+v) = %v, want %v", tt.name, tt.b, got, tt.want)
		}
	}
}
