//go:build linux

package keeper

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// A Client asks the parent. It is safe for concurrent use.
type Client struct {
	mu     sync.Mutex
	socket int
	dir    string // relative paths begin here
}

// NewClient returns the client of the parent at the other end of socket.
func NewClient(socket int) *Client {
	unix.CloseOnExec(socket)
	dir, _ := os.Getwd()
	return &Client{socket: socket, dir: dir}
}

// absolute returns path from the root directory.
func (c *Client) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

// ask sends a request and returns the answer.
func (c *Client) ask(q request, files ...int) (r reply, received []int, err error) {
	q.Path = c.absolute(q.Path)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := send(c.socket, q, files...); err != nil {
		return r, nil, err
	}
	received, err = receive(c.socket, &r)
	if err == nil && r.Errno != 0 {
		err = r.Errno
	}
	return r, received, err
}

// do sends a request whose answer is only an error.
func (c *Client) do(q request, files ...int) error {
	_, received, err := c.ask(q, files...)
	closeAll(received)
	return err
}

// Args returns the command line of the parent.
func (c *Client) Args() (args []string, err error) {
	r, _, err := c.ask(request{Kind: askArgs})
	for _, arg := range r.Args {
		args = append(args, string(arg))
	}
	return args, err
}

// Open opens a file for reading.
func (c *Client) Open(path string) (*os.File, error) { return c.open(openRead, path) }

// OpenAppend opens a log, and creates it with mode 0644 if it does not exist.
func (c *Client) OpenAppend(path string) (*os.File, error) { return c.open(openAppend, path) }

func (c *Client) open(kind, path string) (*os.File, error) {
	_, files, err := c.ask(request{Kind: kind, Path: path})
	if err == nil && len(files) != 1 {
		closeAll(files)
		err = errMessage
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(files[0]), path), nil
}

// Glob lists the paths that match a pattern.
func (c *Client) Glob(pattern string) ([]string, error) {
	r, _, err := c.ask(request{Kind: matchPattern, Path: pattern})
	return r.Paths, err
}

// Bind binds a socket. The file of a socket of UNIX gets mode 0666.
func (c *Client) Bind(fd int, at unix.Sockaddr) error {
	if named, ok := at.(*unix.SockaddrUnix); ok {
		at = &unix.SockaddrUnix{Name: c.absolute(named.Name)}
	}
	to, err := encodeAddr(at)
	if err != nil {
		return err
	}
	return c.do(request{Kind: bindSocket, At: to}, fd)
}

// RemoveSocket removes the file of a socket.
func (c *Client) RemoveSocket(path string) error {
	if err := c.do(request{Kind: removeSocket, Path: path}); err != nil {
		return &fs.PathError{Op: "unlink", Path: path, Err: err}
	}
	return nil
}

// Keep lets the parent keep duplicates of these sockets instead of the earlier ones.
func (c *Client) Keep(sockets []int) error {
	if err := c.do(request{Kind: dropSockets}); err != nil {
		return err
	}
	for len(sockets) > 0 {
		n := min(len(sockets), maxFiles)
		if err := c.do(request{Kind: keepSockets}, sockets[:n]...); err != nil {
			return err
		}
		sockets = sockets[n:]
	}
	return nil
}

// WritePid makes the parent write its number to path, which becomes the pid file.
func (c *Client) WritePid(path string) error { return c.pid(request{Kind: writePid, Path: path}) }

// RemovePid removes the pid file.
func (c *Client) RemovePid() error { return c.pid(request{Kind: removePid}) }

// SetAsidePid renames the pid file for a new binary.
func (c *Client) SetAsidePid() error { return c.pid(request{Kind: setAsidePid}) }

// RestorePid gives the pid file its name again.
func (c *Client) RestorePid() error { return c.pid(request{Kind: restorePid}) }

func (c *Client) pid(q request) error {
	r, _, err := c.ask(q)
	switch {
	case r.To != "":
		return &os.LinkError{Op: "rename", Old: r.Path, New: r.To, Err: r.Errno}
	case r.Op != "":
		return &os.SyscallError{Syscall: r.Op, Err: r.Errno}
	}
	return err
}

// SetEnv makes the parent start processes with the environment of these entries of env.
func (c *Client) SetEnv(entries []string) error {
	q := request{Kind: setEnv}
	for _, e := range entries {
		q.Env = append(q.Env, []byte(e))
	}
	return c.do(q)
}

// StartBinary starts a new binary with the kept sockets, and returns its number.
func (c *Client) StartBinary() (pid int, err error) {
	r, _, err := c.ask(request{Kind: startBinary})
	return r.PID, err
}

// Ready tells the parent that the process serves: it is started again if it dies.
func (c *Client) Ready() error { return c.do(request{Kind: becomeReady}) }

// SetLog makes the parent write its messages to file.
func (c *Client) SetLog(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = c.do(request{Kind: setLog}, int(fd)) }); err != nil {
		return err
	}
	return failed
}
