package statefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// read returns the content of the file, and fails if the directory has other files than want.
func read(t *testing.T, path string, want ...string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), strings.Join(want, " "); got != want {
		t.Errorf("the directory contains %q, want %q", got, want)
	}
	return string(b)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	err := Write(path, 0o640, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	write(t, path, "one")
	if got, m := read(t, path, "state"), mode(t, path); got != "one" || m != 0o640 {
		t.Errorf("got %q with mode %v", got, m)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	write(t, path, "2")
	if got, m := read(t, path, "state"), mode(t, path); got != "2" || m != 0o604 {
		t.Errorf("got %q with mode %v after the second write", got, m)
	}
}

func TestWriteInTheWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "state", "here")
	if got := read(t, filepath.Join(dir, "state"), "state"); got != "here" {
		t.Errorf("got %q", got)
	}
}

func TestWriteThroughALink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(other, "state")
	write(t, file, "old")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	write(t, link, "new")
	if got := read(t, file, "state"); got != "new" {
		t.Errorf("the file of the link has %q", got)
	}
	if mode(t, link)&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
}

func TestFailedWriteKeepsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	write(t, path, "old")
	full := errors.New("disk full")
	err := Write(path, 0o640, func(w io.Writer) error {
		fmt.Fprint(w, strings.Repeat("new", 1<<16))
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	if got := read(t, path, "state"); got != "old" {
		t.Errorf("got %q", got)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, path string }{
		{"no directory", filepath.Join(dir, "no", "state")},
		{"a directory", dir},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := Write(tt.path, 0o640, func(io.Writer) error { return nil }); err == nil {
				t.Error("there was no error")
			}
		})
	}
}

func TestClean(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a[b")
	write(t, path, "x")
	for _, name := range []string{".a[b.123.tmp", ".a[b.9.tmp", ".a[b.tmp", ".a[b..tmp", ".a[b.1x.tmp", ".c.123.tmp"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clean(path); err != nil {
		t.Fatal(err)
	}
	read(t, path, ".a[b..tmp", ".a[b.1x.tmp", ".a[b.tmp", ".c.123.tmp", "a[b")
	if err := Clean(filepath.Join(filepath.Dir(path), "no", "state")); err == nil {
		t.Error("a directory that does not exist gave no error")
	}
}

// The variables of a child process: the file that it writes until it is killed, and whether it stops in
// the middle of each write until its parent has read a line.
const (
	childFile = "STATEFILE_TEST_PATH"
	childHalf = "STATEFILE_TEST_HALF"
)

// length is the size of the contents, larger than any buffer.
const length = 1 << 20

// TestKill kills processes that replace a file again and again: in the middle of a write, and at any
// time. The file must always have one whole content.
func TestKill(t *testing.T) {
	if path := os.Getenv(childFile); path != "" {
		writeForever(path, os.Getenv(childHalf) != "")
	}
	rounds := 20
	if testing.Short() {
		rounds = 6
	}
	path := filepath.Join(t.TempDir(), "state")
	write(t, path, strings.Repeat("-", length))
	for i := range rounds {
		half := i%2 == 0
		killAfter(t, path, 1+i%3, half)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) != length || bytes.Count(b, b[:1]) != length {
			t.Fatalf("round %d: the file has %d bytes, %d of them %q", i, len(b), bytes.Count(b, b[:1]), b[:1])
		}
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".state.*"+suffix))
		if half && len(left) != 1 {
			t.Errorf("round %d: a process killed while it wrote left %q", i, left)
		}
		if err := Clean(path); err != nil {
			t.Fatal(err)
		}
		read(t, path, "state")
	}
}

// killAfter starts a child, and kills it after it has written n lines: at once if half is set, some time
// later otherwise.
func killAfter(t *testing.T, path string, n int, half bool) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), childFile+"="+path)
	if half {
		child.Env = append(child.Env, childHalf+"=1")
	}
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := range n {
		if i > 0 {
			fmt.Fprintln(in)
		}
		if !lines.Scan() {
			t.Error("the child ended")
			break
		}
	}
	for range rand.IntN(1000) {
		runtime.Gosched()
	}
	child.Process.Kill()
	child.Wait()
}

// writeForever writes contents of one repeated byte. It writes a line to the standard output after each,
// or in the middle of each if half is set, where it then waits for a line of the standard input.
func writeForever(path string, half bool) {
	in := bufio.NewScanner(os.Stdin)
	for c := byte('a'); ; c = 'a' + (c-'a'+1)%26 {
		b := bytes.Repeat([]byte{c}, length)
		err := Write(path, 0o600, func(w io.Writer) error {
			if half {
				w.Write(b[:length/2])
				b = b[length/2:]
				fmt.Println("half")
				in.Scan()
			}
			_, err := w.Write(b)
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if !half {
			fmt.Println("written")
		}
	}
}
