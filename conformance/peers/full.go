package peers

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A Full is an address whose accept queue is full: connects to it hang, neither accepted nor
// refused.
type Full struct {
	addr    string
	fd      int
	filling []int // connected sockets
}

// fillMax is far above the capacity of a queue of backlog 0.
const fillMax = 8

// hangsAfter is the time after which a connect on loopback counts as hanging.
const hangsAfter = 100 * time.Millisecond

// StartFull listens on the IPv4 address "HOST:PORT" with the shortest queue and fills it.
func StartFull(addr string) (*Full, error) {
	fd, err := listenShort(addr)
	if err != nil {
		return nil, err
	}
	f := &Full{addr: addr, fd: fd}
	for range fillMax {
		hangs, err := f.fill()
		if hangs {
			return f, nil
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	f.Close()
	return nil, fmt.Errorf("the accept queue of %s took %d connections and is not full", addr, fillMax)
}

// fill opens one more connection, and reports whether it hangs. The state of the socket after
// hangsAfter counts: this process may be late to look at it.
func (f *Full) fill() (hangs bool, err error) {
	name, err := unix.Getsockname(f.fd)
	if err != nil {
		return false, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return false, err
	}
	unix.CloseOnExec(fd)
	err = unix.SetNonblock(fd, true)
	if err == nil {
		err = unix.Connect(fd, name)
	}
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return false, err
	}
	for end := time.Now().Add(hangsAfter); ; time.Sleep(time.Millisecond) {
		late := time.Now().After(end)
		if _, err := unix.Getpeername(fd); err == nil {
			f.filling = append(f.filling, fd)
			return false, nil
		}
		if late {
			unix.Close(fd)
			return true, nil
		}
	}
}

// Addr returns the address as it is written in a configuration.
func (f *Full) Addr() string { return f.addr }

// Close closes the socket and the connections that filled its queue.
func (f *Full) Close() {
	for _, fd := range f.filling {
		unix.Close(fd)
	}
	unix.Close(f.fd)
}

func listenShort(addr string) (int, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	unix.CloseOnExec(fd)
	at := &unix.SockaddrInet4{Port: n, Addr: [4]byte(net.ParseIP(host).To4())}
	reuse := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) // old connections of the port may linger
	if err := errors.Join(reuse, unix.Bind(fd, at), unix.Listen(fd, 0)); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}
