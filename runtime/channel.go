package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"weir/internal/errorlog"
)

// channelSuffix follows the path of the pid file in the path of the channel.
const channelSuffix = ".sock"

// A channel is the socket on which commands such as "weir drain" reach the running process. It lies beside the
// pid file, and only the user of the process can connect to it. It is safe for concurrent use.
type channel struct {
	handler http.Handler
	log     *currentLog
	parent  parent // removes the file of the socket; nil if the process does that itself

	mu     sync.Mutex
	path   string      // empty while closed
	file   os.FileInfo // of the socket
	server *http.Server
	served <-chan struct{}
}

// moveTo opens the socket beside the pid file, and closes the previous one. A failure is logged: it does not
// concern sessions.
func (c *channel) moveTo(pidPath string) {
	if c == nil {
		return
	}
	path := pidPath + channelSuffix
	c.mu.Lock()
	defer c.mu.Unlock()
	if path == c.path && !c.isReplaced() {
		return
	}
	c.closeLocked()
	if c.parent != nil {
		c.parent.RemoveSocket(path) // at the start, the parent learns that it may
	}
	if err := c.open(path); err != nil {
		c.log.write(errorlog.Notice, fmt.Sprintf("no channel for commands: %v", err))
	}
}

// open listens at a temporary path and renames it, so that a file of an earlier process is replaced.
func (c *channel) open(path string) error {
	l, err := listenPrivately(path + ".new")
	if err != nil {
		return err
	}
	if c.file, err = os.Lstat(path + ".new"); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		l.Close()
		os.Remove(path + ".new")
		return err
	}
	c.path = path
	c.server = &http.Server{Handler: c.handler, ReadHeaderTimeout: channelTimeout, IdleTimeout: channelTimeout}
	server := c.server
	c.served = run(func() { server.Serve(l) })
	return nil
}

// channelTimeout limits the time for the header of a request.
const channelTimeout = 10 * time.Second

// isOurs reports whether the socket file is surely the one of this process: a new binary replaces it.
func (c *channel) isOurs() bool {
	info, err := os.Lstat(c.path)
	return err == nil && os.SameFile(info, c.file)
}

// isReplaced reports whether another process has replaced or removed the file. A process without rights may
// be unable to see it; then a reload keeps the channel.
func (c *channel) isReplaced() bool {
	info, err := os.Lstat(c.path)
	return err == nil && !os.SameFile(info, c.file) || errors.Is(err, os.ErrNotExist)
}

// close closes the socket and removes its file.
func (c *channel) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked()
}

func (c *channel) closeLocked() {
	if c.path == "" {
		return
	}
	if c.isOurs() {
		removeSocket(c.path, c.parent)
	}
	c.path = ""
	c.server.Close()
	<-c.served
}

// listenPrivately listens on a socket that only the user of the process can connect to. It replaces the file
// of an earlier process.
func listenPrivately(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	address, done, err := socketAddress(path)
	if err != nil {
		return nil, err
	}
	defer done()
	setMode := func(_, _ string, raw syscall.RawConn) (err error) {
		if failed := raw.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) }); failed != nil {
			return failed
		}
		return err
	}
	l, err := (&net.ListenConfig{Control: setMode}).Listen(context.Background(), "unix", address)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return l, os.Chmod(path, 0o600)
}

// dialChannel connects to the channel of the process that has written the pid file.
func dialChannel(ctx context.Context, pidPath string) (net.Conn, error) {
	address, done, err := socketAddress(pidPath + channelSuffix)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&net.Dialer{}).DialContext(ctx, "unix", address)
}

// longestAddress is the length of a path that the system accepts as the address of a socket everywhere.
const longestAddress = 100

// socketAddress returns an address for the socket at path, to be used before done is called. The address of
// a long path goes through a descriptor of its directory.
func socketAddress(path string) (address string, done func(), err error) {
	if len(path) <= longestAddress {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), func() { dir.Close() }, nil
}
