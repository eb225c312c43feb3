package logfile

import (
	"bytes"
	"context"
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
)

// openFile returns a set of one open file in a directory of its own.
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
	t.Cleanup(s.Close)
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
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
			f.Append([]byte("before\n"))
			os.Rename(f.Path(), f.Path()+".1")
			s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
			f.Append([]byte("after\n"))
			s.Flush()
			if got := content(t, f.Path()+".1") + "|" + content(t, f.Path()); got != "before\n|after\n" {
				t.Errorf("moved and new file hold %q", got)
			}
		})
	}
}

func TestReopenKeepsAFileThatCanNotBeOpened(t *testing.T) {
	s, f := openFile(t, Buffering{})
	moved := f.Path() + ".1"
	os.Rename(f.Path(), moved)
	os.Mkdir(f.Path(), 0o755)
	var told []string
	s.Reopen(func(path string, err error) { told = append(told, path) })
	f.Append([]byte("still here\n"))
	if len(told) != 1 || told[0] != f.Path() {
		t.Errorf("told of %q, want %q once", told, f.Path())
	}
	if got := content(t, moved); got != "still here\n" {
		t.Errorf("the old file holds %q", got)
	}
}

func TestWritersLoseNoLineToReopen(t *testing.T) {
	for _, b := range []Buffering{{}, {Size: 64}, {Size: 4096, Flush: time.Millisecond}} {
		t.Run(fmt.Sprintf("%+v", b), func(t *testing.T) {
			s, f := openFile(t, b)
			ctx, cancel := context.WithCancel(t.Context())
			var runner, writers sync.WaitGroup
			runner.Go(func() { s.Run(ctx) })
			for w := range 8 {
				writers.Go(func() { writeLines(t, f, w) })
			}
			moved := moveAndReopen(t, s, f, 20)
			writers.Wait()
			cancel()
			runner.Wait()
			s.Close()
			var all strings.Builder
			for _, path := range append(moved, f.Path()) {
				all.WriteString(content(t, path))
			}
			checkLines(t, all.String(), 8, linesEach)
		})
	}
}

const linesEach = 500

func writeLines(t *testing.T, f *File, writer int) {
	for i := range linesEach {
		line := fmt.Sprintf("%d %d %s\n", writer, i, strings.Repeat("x", (i*37)%90))
		if err := f.Append([]byte(line)); err != nil {
			t.Error(err)
		}
	}
}

func moveAndReopen(t *testing.T, s *Set, f *File, times int) (moved []string) {
	for i := range times {
		to := fmt.Sprintf("%s.%d", f.Path(), i)
		if err := os.Rename(f.Path(), to); err != nil {
			t.Error(err)
		}
		moved = append(moved, to)
		s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
	}
	return moved
}

// checkLines wants every line of every writer whole, once, and each writer's in the order in which they were written.
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

func TestRunFlushesInTime(t *testing.T) {
	s, f := openFile(t, Buffering{Size: 1000, Flush: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	for i := range 3 {
		f.Append([]byte("line\n"))
		eventually(t, "the flush", func() bool { return content(t, f.Path()) == strings.Repeat("line\n", i+1) })
	}
	cancel()
	<-done
}

func TestCloseFlushes(t *testing.T) {
	s, f := openFile(t, Buffering{Size: 1000})
	f.Append([]byte("line\n"))
	if got := content(t, f.Path()); got != "" {
		t.Errorf("before Close the file holds %q", got)
	}
	s.Close()
	if got := content(t, f.Path()); got != "line\n" {
		t.Errorf("after Close the file holds %q", got)
	}
}

func TestPipesAreWrittenAndReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var s Set
	f := s.Get(path)
	mustOpen(t, &s)
	f.Append([]byte("one\n"))
	s.Reopen(func(path string, err error) { t.Errorf("reopen %s: %v", path, err) })
	f.Append([]byte("two\n"))
	got := make([]byte, 8)
	if _, err := io.ReadFull(reader, got); err != nil || string(got) != "one\ntwo\n" {
		t.Errorf("read %q, %v, want one and two", got, err)
	}
}

func TestFullDiskIsReportedOnceAMinute(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	var told bytes.Buffer
	var s Set
	f := s.Get("/dev/full")
	f.Buffer(Buffering{Size: 10})
	s.OnWriteError(func(err error) { fmt.Fprintf(&told, "%v: %v\n", err, errors.Unwrap(errors.Unwrap(err))) })
	mustOpen(t, &s)
	for range 2 {
		f.Append([]byte("x\n"))
		s.Flush()
	}
	want := "write() to \"/dev/full\" failed: no space left on device\n"
	if told.String() != want {
		t.Errorf("told %q, want %q", told.String(), want)
	}
}
