package runtime

import (
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
)

// inheritedVar is the environment variable by which nginx passes its listening sockets to a new binary:
// their descriptors, each followed by a semicolon.
const inheritedVar = "NGINX"

// isNewBinary reports whether another binary has started this one to take over its sockets.
func isNewBinary() bool {
	_, given := os.LookupEnv(inheritedVar)
	return given
}

// inherit takes the listening sockets of the old binary, if there is one.
func (m *Master) inherit() {
	text, given := os.LookupEnv(inheritedVar)
	if !given {
		return
	}
	os.Unsetenv(inheritedVar)
	m.signals.parent.Store(int64(os.Getppid()))
	m.signals.daemon.Store(true)
	m.console.log(errorlog.Notice, "using inherited sockets from \"%s\"", text)
	for _, fd := range parseInherited(text, m.console) {
		m.ports.inherit(fd, m.console)
	}
}

// parseInherited follows ngx_add_inherited_sockets.
func parseInherited(text string, c *console) (fds []int) {
	for text != "" {
		end := strings.IndexAny(text, ":;")
		if end < 0 {
			c.log(errorlog.Emerg, "invalid socket number \"%s\" in %s environment variable, ignoring", text, inheritedVar)
			return fds
		}
		fd, err := strconv.ParseUint(text[:end], 10, 31)
		if err != nil {
			c.log(errorlog.Emerg, "invalid socket number \"%s\" in %s environment variable, ignoring the rest of the variable",
				text, inheritedVar)
			return fds
		}
		fds = append(fds, int(fd))
		text = text[end+1:]
	}
	return fds
}

// inherit adds a listening socket that the process was started with. A socket that cannot be used is logged
// and left alone.
func (ps listenerSet) inherit(fd int, c *console) {
	at, err := unix.Getsockname(fd)
	if err != nil {
		c.log(errorlog.Crit, "getsockname() of the inherited socket #%d failed%s", fd, errorlog.Errno(err))
		return
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		c.log(errorlog.Crit, "getsockopt(SO_TYPE) of the inherited socket #%d failed%s", fd, errorlog.Errno(err))
		return
	}
	addr, ok := socketAddr(at, kind == unix.SOCK_DGRAM)
	if !ok {
		c.log(errorlog.Crit, "the inherited socket #%d has an unsupported protocol family", fd)
		return
	}
	unix.CloseOnExec(fd)
	unix.SetNonblock(fd, true)
	p := ps[addr]
	if p == nil {
		p = &listener{addr: addr, inherited: true, options: inheritedOptions(fd)}
		ps[addr] = p
	}
	p.sockets = append(p.sockets, &socket{fd: fd, addr: addr, multipath: isMultipath(fd), inherited: true})
}

// setParent makes by the parent that removes the files of the sockets.
func (ps listenerSet) setParent(by parent) {
	for _, p := range ps {
		for _, s := range p.sockets {
			s.parent = by
		}
	}
}

// socketAddr returns the address of a socket.
func socketAddr(at unix.Sockaddr, datagrams bool) (a stream.Addr, ok bool) {
	switch at := at.(type) {
	case *unix.SockaddrUnix:
		return stream.Addr{Unix: true, Path: at.Name, UDP: datagrams}, true
	case *unix.SockaddrInet4:
		return stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)), UDP: datagrams}, true
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(at.Addr)
		if at.ZoneId != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(at.ZoneId), 10))
		}
		return stream.Addr{IP: netip.AddrPortFrom(ip, uint16(at.Port)), UDP: datagrams}, true
	}
	return stream.Addr{}, false
}

// inheritedOptions returns the options of an inherited socket that a configuration may change. The backlog
// is unknown, so that it is set again.
func inheritedOptions(fd int) stream.ListenOptions {
	return stream.ListenOptions{ReusePort: isSet(fd, reusePort), Deferred: isDeferred(fd), Multipath: isMultipath(fd)}
}

// isSet reports whether an option of a socket is not 0.
func isSet(fd int, o option) bool {
	n, err := unix.GetsockoptInt(fd, o.level, o.number)
	return err == nil && n != 0
}
