package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A sink remembers what was written by each call.
type sink struct {
	writes []string
	err    error
}

func (s *sink) write(p []byte) error {
	s.writes = append(s.writes, string(p))
	return s.err
}

func TestBufferWritesOutWhenFull(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []string // the writes; the last one is the flush at the end
	}{
		{"all fit", []string{"a\n", "b\n"}, []string{"a\nb\n"}},
		{"exactly full", []string{"1234567\n", "9\n", "x\n"}, []string{"1234567\n9\n", "x\n"}},
		{"larger than the buffer", []string{"a\n", "1234567890\n", "b\n"}, []string{"a\n", "1234567890\n", "b\n"}},
		{"larger than the empty buffer", []string{"1234567890\n"}, []string{"1234567890\n"}},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, s := newBuffer(Buffering{Size: 10}), &sink{}
			for _, line := range tt.lines {
				b.append([]byte(line), s.write)
			}
			b.flush(s.write)
			if !slices.Equal(s.writes, tt.want) {
				t.Errorf("append(%q) wrote %q, want %q", tt.lines, s.writes, tt.want)
			}
		})
	}
}

func TestBufferGoesOnAfterAFailure(t *testing.T) {
	b, s := newBuffer(Buffering{Size: 4}), &sink{err: syscall.EIO}
	b.append([]byte("abc\n"), s.write)
	if err := b.append([]byte("def\n"), s.write); !errors.Is(err, syscall.EIO) {
		t.Errorf("append on a failing disk: %v, want %v", err, syscall.EIO)
	}
	s.err = nil
	if err := b.flush(s.write); err != nil || s.writes[1] != "def\n" {
		t.Errorf("afterwards wrote %q, %v, want the second line", s.writes, err)
	}
}

func TestEachFlushIsOneGzipMember(t *testing.T) {
	b, s := newBuffer(Buffering{Size: 8, Gzip: 1}), &sink{}
	for _, line := range []string{"one\n", "two\n", "three\n", "larger than all of it\n"} {
		b.append([]byte(line), s.write)
	}
	var got []string
	for _, w := range s.writes {
		got = append(got, gunzip(t, w))
	}
	want := []string{"one\ntwo\n", "three\n", "larger than all of it\n"}
	if !slices.Equal(got, want) {
		t.Errorf("members hold %q, want %q", got, want)
	}
	if all := gunzip(t, strings.Join(s.writes, "")); all != strings.Join(want, "") {
		t.Errorf("the whole file holds %q", all)
	}
}

func gunzip(t *testing.T, text string) string {
	t.Helper()
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
	f := &File{path: "/x"}
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

func TestAppendAllocatesNothing(t *testing.T) {
	b, s := newBuffer(Buffering{Size: 1000}), func([]byte) error { return nil }
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range 30 { // makes both halves
		b.append(line, s)
	}
	if n := testing.AllocsPerRun(100, func() { b.append(line, s) }); n != 0 {
		t.Errorf("append allocates %v times", n)
	}
}
