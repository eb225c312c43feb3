package runtime

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
)

// A socket is a listening socket.
type socket struct {
	fd        int
	addr      stream.Addr
	multipath bool
	inherited bool   // of another binary
	parent    parent // has bound it; nil if the process did that itself
}

// listenOn returns a socket that listens on l, opened as in ngx_open_listening_sockets. With testing set,
// the socket only shows whether it can be opened; it must not take datagrams from the process that
// serves, as SO_REUSEADDR would allow.
func listenOn(l *stream.Listen, testing bool, by parent) (*socket, error) {
	fd, err := newSocket(family(l.Addr), socketType(l.Addr), l.Options.Multipath)
	if err != nil {
		return nil, &sysError{fmt.Sprintf("socket() %s", l.Addr), err}
	}
	s := &socket{fd: fd, addr: l.Addr, multipath: l.Options.Multipath, parent: by}
	if err := s.listen(l.Options, !(testing && l.Addr.UDP)); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func family(a stream.Addr) int {
	switch {
	case a.Unix:
		return unix.AF_UNIX
	case a.IP.Addr().Is4():
		return unix.AF_INET
	default:
		return unix.AF_INET6
	}
}

func socketType(a stream.Addr) int {
	if a.UDP {
		return unix.SOCK_DGRAM
	}
	return unix.SOCK_STREAM
}

func (s *socket) listen(o stream.ListenOptions, reuse bool) error {
	if err := s.setBeforeBind(o, reuse); err != nil {
		return err
	}
	if err := s.bind(); err != nil {
		return &sysError{fmt.Sprintf("bind() to %s", s.addr), err}
	}
	if s.addr.Unix && s.parent == nil {
		if err := os.Chmod(s.addr.Path, 0o666); err != nil {
			os.Remove(s.addr.Path)
			return &sysError{fmt.Sprintf("chmod() \"%s\"", s.addr.Path), err}
		}
	}
	if s.addr.UDP {
		return nil
	}
	if err := unix.Listen(s.fd, o.Backlog); err != nil {
		s.unlink()
		return &sysError{fmt.Sprintf("listen() to %s, backlog %d", s.addr, o.Backlog), err}
	}
	return nil
}

// setBeforeBind sets the options that affect whether bind succeeds.
func (s *socket) setBeforeBind(o stream.ListenOptions, reuse bool) error {
	var options optionList
	options.add(reuse, unix.SOL_SOCKET, unix.SO_REUSEADDR, "SO_REUSEADDR", 1)
	if o.ReusePort {
		options = append(options, reusePort)
	}
	if family(s.addr) == unix.AF_INET6 {
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, "IPV6_V6ONLY", boolInt(o.IPv6Only)})
	}
	for _, x := range options {
		if err := x.set(s.fd); err != nil {
			return &sysError{fmt.Sprintf("setsockopt(%s) %s", x.name, s.addr), err}
		}
	}
	return nil
}

// An option is a socket option with an integer value.
type option struct {
	level, number int
	name          string
	value         int
}

// reusePort lets sockets share an address if all of them set it.
var reusePort = option{unix.SOL_SOCKET, unix.SO_REUSEPORT, "SO_REUSEPORT", 1}

func (o option) set(fd int) error { return unix.SetsockoptInt(fd, o.level, o.number, o.value) }

// call returns the call that sets the option of the socket at addr, as nginx writes it.
func (o option) call(addr stream.Addr) string {
	switch o.name {
	case "TCP_DEFER_ACCEPT":
		return fmt.Sprintf("setsockopt(%s, %d) for %s", o.name, o.value, addr)
	case "IP_PKTINFO", "IPV6_RECVPKTINFO":
		return fmt.Sprintf("setsockopt(%s) for %s", o.name, addr)
	case "TCP_NODELAY":
		return fmt.Sprintf("setsockopt(%s) %s", o.name, addr)
	}
	return fmt.Sprintf("setsockopt(%s, %d) %s", o.name, o.value, addr)
}

// configure sets the options that may also change while the socket listens; before contains the options
// set earlier. As in ngx_configure_listening_sockets, a failure only logs an alert.
func (s *socket) configure(before *stream.ListenOptions, o stream.ListenOptions, c *console) {
	for _, x := range s.options(before, o) {
		if err := x.set(s.fd); err != nil {
			c.log(errorlog.Alert, "%s failed, ignored%s", x.call(s.addr), errorlog.Errno(err))
		}
	}
	if before == nil || before.Backlog == o.Backlog || s.addr.UDP {
		return
	}
	if err := unix.Listen(s.fd, o.Backlog); err != nil {
		c.log(errorlog.Alert, "listen() to %s, backlog %d failed, ignored%s", s.addr, o.Backlog, errorlog.Errno(err))
	}
}

func (s *socket) options(before *stream.ListenOptions, o stream.ListenOptions) optionList {
	var all optionList
	all.add(o.RcvBuf > 0, unix.SOL_SOCKET, unix.SO_RCVBUF, "SO_RCVBUF", o.RcvBuf)
	all.add(o.SndBuf > 0, unix.SOL_SOCKET, unix.SO_SNDBUF, "SO_SNDBUF", o.SndBuf)
	all.add(o.KeepAlive.Set, unix.SOL_SOCKET, unix.SO_KEEPALIVE, "SO_KEEPALIVE", boolInt(o.KeepAlive.On))
	// Accepted sockets inherit this, so that a session with tcp_nodelay on, the default, need not set it.
	all.add((before == nil || s.inherited) && !s.addr.Unix && !s.addr.UDP, unix.IPPROTO_TCP, unix.TCP_NODELAY, "TCP_NODELAY", 1)
	return s.addSystemOptions(all, before, o)
}

type optionList []option

// add adds an option if it is wanted.
func (all *optionList) add(wanted bool, level, number int, name string, value int) {
	if wanted {
		*all = append(*all, option{level, number, name, value})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// close closes the socket, and leaves the file of a unix socket.
func (s *socket) close() { unix.Close(s.fd) }

func closeSockets(all []*socket) {
	for _, s := range all {
		s.close()
	}
}

// isStaleSocket reports whether the file of a unix socket exists and no process listens on it, as after a
// process was killed.
func isStaleSocket(a stream.Addr) bool {
	info, err := os.Lstat(a.Path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	fd, err := newSocket(unix.AF_UNIX, socketType(a), false)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Connect(fd, sockaddr(a)) == unix.ECONNREFUSED
}

// discard closes a socket that never served, and removes its file.
func (s *socket) discard() {
	s.unlink()
	s.close()
}

// unlink removes the file of a unix socket.
func (s *socket) unlink() error {
	if !s.addr.Unix {
		return nil
	}
	return removeSocket(s.addr.Path, s.parent)
}

func (s *socket) bind() error {
	if s.parent != nil {
		return s.parent.Bind(s.fd, sockaddr(s.addr))
	}
	return unix.Bind(s.fd, sockaddr(s.addr))
}

// removeSocket removes the file of a socket, by the parent if it is not nil.
func removeSocket(path string, by parent) error {
	if by != nil {
		return by.RemoveSocket(path)
	}
	return os.Remove(path)
}

func sockaddr(a stream.Addr) unix.Sockaddr {
	if a.Unix {
		return &unix.SockaddrUnix{Name: a.Path}
	}
	if a.IP.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.IP.Port()), Addr: a.IP.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.IP.Port()), ZoneId: zone(a.IP.Addr()), Addr: a.IP.Addr().As16()}
}

// zone returns the scope of a link-local address if it is a number, the only form that nginx's parser
// keeps; otherwise 0.
func zone(a netip.Addr) uint32 {
	var n uint32
	fmt.Sscan(a.Zone(), &n)
	return n
}
