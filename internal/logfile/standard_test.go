package logfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestStandardStreams(t *testing.T) {
	dir := t.TempDir()
	link := func(name, to string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		path string
		fd   int
		ok   bool
	}{
		{"/dev/stdout", 1, true}, {"/dev/stderr", 2, true}, {"/dev/fd/1", 1, true}, {"/proc/self/fd/2", 2, true},
		{link("access.log", "/dev/stdout"), 1, true}, {link("other.log", "access.log"), 1, true}, {link("round", "round"), 0, false},
		{"/proc/self/fd/0", 0, false}, {"/proc/self/fd/17", 0, false}, {filepath.Join(dir, "no"), 0, false}, {dir, 0, false}, {"1", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			if fd, ok := standardOf(tt.path); fd != tt.fd || ok != tt.ok {
				t.Errorf("got %d, %v, want %d, %v", fd, ok, tt.fd, tt.ok)
			}
		})
	}
}

func TestStandardStreamThatCanNotBeOpened(t *testing.T) {
	for reason, want := range map[error]bool{syscall.ENXIO: true, syscall.EACCES: true, syscall.EPERM: true, syscall.ENOENT: false, syscall.EMFILE: false} {
		f := openStandard("/dev/stderr", &os.PathError{Err: reason})
		if got := f != nil; got != want {
			t.Errorf("%v: got a file: %v, want %v", reason, got, want)
		}
		if f == nil {
			continue
		}
		mine, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if stderr, err := os.Stderr.Stat(); err != nil || !os.SameFile(mine, stderr) {
			t.Error("it is not standard error")
		}
		f.Close()
	}
	if f := openStandard(filepath.Join(t.TempDir(), "x.log"), syscall.EACCES); f != nil {
		t.Error("another file is taken for a standard stream")
	}
}
