//go:build linux

package keeper

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"weir/parser"
)

// fakeParent starts binaries whose number is that of their sockets, and of the variables of their environment.
type fakeParent struct{ env []string }

func (*fakeParent) Glob(pattern string) ([]string, error) { return parser.Glob(pattern) }
func (*fakeParent) OpenAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
}
func (p *fakeParent) StartBinary(sockets []int) (int, error) {
	return len(sockets) + len(p.env), nil
}
func (p *fakeParent) SetEnv(entries []string) { p.env = entries }
func (*fakeParent) SetLog(*os.File)           {}

// fakePid is a pid file that can only be written.
type fakePid struct{}

func (fakePid) Write(string) error { return nil }
func (fakePid) Remove() error {
	return &os.SyscallError{Syscall: "unlink() \"a\"", Err: syscall.ENOENT}
}
func (fakePid) SetAside() error {
	return &os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EROFS}
}
func (fakePid) Restore() error { return errors.New("unknown") }

// start returns a client of a server that ends with the test.
func start(t *testing.T) *Client {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Parent: &fakeParent{}, Pid: fakePid{}, Args: []string{"weir", "-p", "a\xff\"b", ""}}
	done := make(chan error, 1)
	go func() { done <- s.Serve(pair[1]) }()
	t.Cleanup(func() {
		unix.Close(pair[0])
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Errorf("got %v at the end, want %v", err, os.ErrClosed)
		}
		unix.Close(pair[1])
		closeAll(s.Kept)
	})
	return NewClient(pair[0])
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(path), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRequestsAfterTheStart checks that the start defines what the parent does later.
func TestRequestsAfterTheStart(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"conf/a", "conf/new", "conf/d/below", "confuse", "other/key"} {
		write(t, in(name))
	}
	c := start(t)
	read := func(path string) error {
		f, err := c.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if text, err := io.ReadAll(f); err != nil || string(text) != path {
			t.Errorf("%s: got %q, %v", path, text, err)
		}
		return nil
	}
	appendTo := func(path string) error {
		f, err := c.OpenAppend(path)
		if err == nil {
			f.Close()
		}
		return err
	}
	for _, err := range []error{read(in("conf/a")), appendTo(in("log/x")), c.WritePid(in("n.pid")), c.Ready()} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in("log"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		got  error
		want error
	}{
		{"a file of the start", read(in("conf/a")), nil},
		{"a new file beside it", read(in("conf/new")), nil},
		{"a new file below", read(in("conf/d/below")), nil},
		{"a directory whose name begins alike", read(in("confuse")), syscall.EPERM},
		{"a file elsewhere", read(in("other/key")), syscall.EPERM},
		{"a path that leads elsewhere", read(in("conf/../other/key")), syscall.EPERM},
		{"a missing file", read(in("conf/none")), syscall.ENOENT},
		{"a log of the start", appendTo(in("log/x")), nil},
		{"another log", appendTo(in("log/y")), syscall.EPERM},
		{"a file of the configuration as a log", appendTo(in("conf/a")), syscall.EPERM},
		{"the pid file", c.WritePid(in("n.pid")), nil},
		{"another pid file", c.WritePid(in("conf/a")), syscall.EPERM},
		{"a file as a socket", c.RemoveSocket(in("conf/a")), syscall.EPERM},
		{"an unknown request", c.do(request{Kind: "x"}), syscall.ENOSYS},
		{"no socket to bind", c.do(request{Kind: bindSocket}), syscall.EINVAL},
		{"a huge request", read("/" + string(make([]byte, maxMessage))), syscall.E2BIG},
	} {
		if !errors.Is(tt.got, tt.want) || tt.want == nil && tt.got != nil {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if paths, err := c.Glob(in("conf/*")); err != nil || !slices.Equal(paths, []string{in("conf/a"), in("conf/d"), in("conf/new")}) {
		t.Errorf("pattern: got %v, %v", paths, err)
	}
	if _, err := c.Glob(in("other/*")); !errors.Is(err, syscall.EPERM) {
		t.Errorf("pattern elsewhere: got %v", err)
	}
	for _, pattern := range []string{"conf/*/../../other/*", "conf/?/../../other/key", `conf/\.\./other/key`, "conf/.*/other/key"} {
		if paths, err := c.Glob(dir + "/" + pattern); err == nil && len(paths) > 0 {
			t.Errorf("pattern %s that leads elsewhere: got %v", pattern, paths)
		}
	}
}

// TestSockets binds a socket of UNIX, keeps many sockets, and starts a new binary with them.
func TestSockets(t *testing.T) {
	c := start(t)
	path := filepath.Join(t.TempDir(), "s.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := c.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("got %v, %v, want mode 0666", info, err)
	}
	if err := c.Bind(fd, &unix.SockaddrUnix{Name: path}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second bind: got %v", err)
	}
	for range 2 { // the second list replaces the first one
		if err := c.Keep(slices.Repeat([]int{fd}, maxFiles+3)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.StartBinary(); err != nil || n != maxFiles+3 {
		t.Errorf("%d sockets were kept, want %d; %v", n, maxFiles+3, err)
	}
	if err := c.Ready(); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveSocket(path); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"rename a b: read-only file system": c.SetAsidePid(), `unlink() "a": no such file or directory`: c.RemovePid(),
		"input/output error": c.RestorePid(),
	} {
		if err == nil || err.Error() != what {
			t.Errorf("got %v, want %s", err, what)
		}
	}
}

// TestArgs asks for the command line, which may be any bytes.
func TestArgs(t *testing.T) {
	if args, err := start(t).Args(); err != nil || !slices.Equal(args, []string{"weir", "-p", "a\xff\"b", ""}) {
		t.Errorf("got %q, %v", args, err)
	}
}

// TestEnv sets the environment of a new binary. After the start it may not get values that the start has not set.
func TestEnv(t *testing.T) {
	c := start(t)
	set := func(want error, entries ...string) {
		t.Helper()
		if err := c.SetEnv(entries); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", entries, err, want)
		}
	}
	set(nil, "A", "B=\xff", "C=")
	set(syscall.EINVAL, "A\x00B=1")
	if err := c.Ready(); err != nil {
		t.Fatal(err)
	}
	set(nil, "B=\xff", "OTHER")
	set(syscall.EPERM, "B=\xff", "LD_PRELOAD=a.so", "C=")
	set(syscall.EPERM, "B=1")
	if n, err := c.StartBinary(); err != nil || n != 2 {
		t.Errorf("the binary has %d variables, want 2 of the last permitted list; %v", n, err)
	}
}

// TestSocketOfAnotherProcess checks that passing a socket to the parent does not allow to remove its file.
func TestSocketOfAnotherProcess(t *testing.T) {
	c := start(t)
	if err := c.Ready(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := c.Keep([]int{int(file.Fd())}); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveSocket(path); !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v, want %v", err, syscall.EPERM)
	}
}

// TestEndOfTheParent checks that requests fail when the parent has ended.
func TestEndOfTheParent(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(pair[1])
	c := NewClient(pair[0])
	defer unix.Close(pair[0])
	if err := c.Ready(); err == nil {
		t.Error("a request without a parent succeeded")
	}
}
