// Package sockets inspects the sockets of other processes: their addresses and options.
package sockets

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Socket is our copy of a socket of another process. It stays open until Close, even if the
// process closes its own.
type Socket int

// Of returns copies of the sockets of all processes of a group. A socket shared by several
// processes is returned once. The caller closes them, also on error.
func Of(group int) ([]Socket, error) {
	pids, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var all []Socket
	seen := map[string]bool{}
	for _, dir := range pids {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if of, err := unix.Getpgid(pid); err != nil || of != group {
			continue
		}
		some, err := ofProcess(pid, seen)
		all = append(all, some...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// ofProcess returns copies of the sockets of a process that have not been seen yet.
func ofProcess(pid int, seen map[string]bool) ([]Socket, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	defer unix.Close(process)
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Socket
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(dir, e.Name())) // it may have been closed
		if !strings.HasPrefix(target, "socket:") || seen[target] {
			continue
		}
		seen[target] = true
		number, _ := strconv.Atoi(e.Name())
		fd, err := unix.PidfdGetfd(process, number, 0)
		if err == unix.EBADF {
			continue
		}
		if err != nil {
			return all, fmt.Errorf("pidfd_getfd: %w", err)
		}
		all = append(all, Socket(fd))
	}
	return all, nil
}

// Close releases the copy.
func (s Socket) Close() { unix.Close(int(s)) }

// Local returns the address that the socket is bound to; zero if it is not TCP.
func (s Socket) Local() netip.AddrPort {
	if kind, err := unix.GetsockoptInt(int(s), unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_STREAM {
		return netip.AddrPort{}
	}
	addr, err := unix.Getsockname(int(s))
	return addrPort(addr, err)
}

// Remote returns the address that the socket is connected to, or zero.
func (s Socket) Remote() netip.AddrPort {
	addr, err := unix.Getpeername(int(s))
	return addrPort(addr, err)
}

func addrPort(addr unix.Sockaddr, err error) netip.AddrPort {
	if err != nil {
		return netip.AddrPort{}
	}
	switch a := addr.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// Listening reports whether the socket waits for connections.
func (s Socket) Listening() bool {
	on, err := unix.GetsockoptInt(int(s), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && on == 1
}

var options = map[string]struct{ level, name int }{
	"rcvbuf":    {unix.SOL_SOCKET, unix.SO_RCVBUF},
	"sndbuf":    {unix.SOL_SOCKET, unix.SO_SNDBUF},
	"keepalive": {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	"reuseport": {unix.SOL_SOCKET, unix.SO_REUSEPORT},
	"keepidle":  {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
	"keepintvl": {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
	"keepcnt":   {unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
	"deferred":  {unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT},
	"fastopen":  {unix.IPPROTO_TCP, unix.TCP_FASTOPEN},
	"nodelay":   {unix.IPPROTO_TCP, unix.TCP_NODELAY},
	"v6only":    {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY},
}

// Option returns an option by its name in scripts.
func (s Socket) Option(name string) (int, error) {
	if name == "backlog" {
		info, err := unix.GetsockoptTCPInfo(int(s), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return 0, err
		}
		return int(info.Sacked), nil // a listening socket's limit is in this field
	}
	o, known := options[name]
	if !known {
		return 0, fmt.Errorf("unknown option %q", name)
	}
	value, err := unix.GetsockoptInt(int(s), o.level, o.name)
	if name == "rcvbuf" || name == "sndbuf" {
		value /= 2 // Linux doubles the configured value
	}
	return value, err
}
