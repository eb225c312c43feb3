package runtime

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/runtime/webserver"
	"weir/stream"
)

// As in ngx_open_listening_sockets, an address in use may belong to a predecessor that ends soon.
const (
	bindAttempts = 5
	bindPause    = 500 * time.Millisecond
)

var errStillInUse = errors.New("still could not bind()")

// A listener is an address that the process listens on, with its options.
type listener struct {
	addr      stream.Addr
	sockets   []*socket // one, or with reuseport at least one per loop
	options   stream.ListenOptions
	isHTTP    bool               // the web server serves it, not the driver
	serving   []*stream.Listener // those of the driver; none while it does not serve
	web       *webserver.Server
	webFDs    []int // the sockets that web serves
	inherited bool  // from another binary
}

// stopper returns the function that ends accepting on the present sockets.
func (p *listener) stopper(m *Master) func() {
	serving, web := p.serving, p.web
	return func() {
		for _, l := range serving {
			m.driver.Forget(l)
		}
		if web != nil {
			web.Shutdown()
		}
	}
}

// socketsOf returns the number of sockets for l with that many loops, as in ngx_clone_listening.
func socketsOf(l *stream.Listen, loops int) int {
	if l.Options.ReusePort {
		return max(loops, 1)
	}
	return 1
}

// replace adds fresh to the sockets, and returns those that the listener does not use any more: those of another
// protocol than l, and, without reuseport, all but one. With reuseport a loop may have several sockets: closing one would
// reset the connections that wait in it.
func (p *listener) replace(fresh []*socket, l *stream.Listen) (surplus []*socket) {
	var fit []*socket
	for _, s := range append(p.sockets, fresh...) {
		if s.multipath == l.Options.Multipath && (l.Options.ReusePort || len(fit) == 0) {
			fit = append(fit, s)
		} else {
			surplus = append(surplus, s)
		}
	}
	p.sockets = fit
	return surplus
}

// socketCount counts the sockets with l's protocol; p may be nil.
func (p *listener) socketCount(l *stream.Listen) int {
	n := 0
	if p != nil {
		for _, s := range p.sockets {
			if s.multipath == l.Options.Multipath {
				n++
			}
		}
	}
	return n
}

// serves reports whether the driver, or the web server, accepts on the listener's current sockets.
func (p *listener) serves() bool {
	if p.isHTTP {
		return p.web != nil && slices.Equal(p.webFDs, p.descriptors())
	}
	return len(p.serving) > 0 && slices.Equal(p.driven(), p.descriptors())
}

// driven returns the descriptors that the driver serves.
func (p *listener) driven() (fds []int) {
	for _, l := range p.serving {
		fds = append(fds, l.FDs...)
	}
	return fds
}

func (p *listener) descriptors() []int {
	var all []int
	for _, s := range p.sockets {
		all = append(all, s.fd)
	}
	return all
}

// A listenerSet holds the listening sockets of the process by address. It belongs to one goroutine.
type listenerSet map[stream.Addr]*listener

// missing lists the listens that lack sockets, once per missing socket: first those without any, in the
// order of the configuration, then those that lack the sockets of further loops.
func (ps listenerSet) missing(listens []*stream.Listen, loops int) []*stream.Listen {
	var first, further []*stream.Listen
	seen := map[stream.Addr]bool{}
	for _, l := range listens {
		if seen[l.Addr] { // used by both stream {} and http {}: the second bind fails
			first = append(first, l)
			continue
		}
		seen[l.Addr] = true
		p, wanted := ps[l.Addr], socketsOf(l, loops)
		have := p.socketCount(l)
		if have == 0 && p != nil {
			l = asReusePort(l)
		}
		if have == 0 {
			first = append(first, l)
			have = 1
		}
		for range wanted - have {
			further = append(further, l)
		}
	}
	return append(first, further...)
}

// asReusePort returns l for a socket that joins one of another protocol at its address.
func asReusePort(l *stream.Listen) *stream.Listen {
	joined := *l
	joined.Options.ReusePort = true
	return &joined
}

// unused returns the listeners that g does not use.
func (ps listenerSet) unused(g *Generation) []*listener {
	var all []*listener
	for addr, p := range ps {
		if !g.uses(addr) {
			all = append(all, p)
		}
	}
	return all
}

// enableReusePort lets sockets join the open ones, at addresses where reuseport is new or the protocol
// changes. As in ngx_open_listening_sockets, a failure only logs an alert, and the option stays set even
// if reuseport is turned off.
func (ps listenerSet) enableReusePort(listens []*stream.Listen, c *console) {
	for _, l := range listens {
		p := ps[l.Addr]
		if p == nil || p.options.ReusePort || !l.Options.ReusePort && p.options.Multipath == l.Options.Multipath {
			continue
		}
		p.setReusePort(c)
	}
}

// closeConflicting divides the listens that lack a socket: first those that can be bound beside the open sockets,
// then those that conflict with an open socket that the next configuration does not use, such as that of
// the wildcard address with the same port. makeWay lets others join those sockets. Listens without a
// conflict come first, because a socket that joins another takes connections from it.
func (ps listenerSet) closeConflicting(missing []*stream.Listen, unused []*listener, c *console) (free, joined []*stream.Listen) {
	for _, l := range missing {
		blocking := slices.DeleteFunc(slices.Clone(unused), func(p *listener) bool { return !conflict(p.addr, l.Addr) })
		if len(blocking) == 0 {
			free = append(free, l)
			continue
		}
		for _, p := range blocking {
			p.setReusePort(c)
		}
		joined = append(joined, asReusePort(l))
	}
	return free, joined
}

// conflict reports whether a socket at one address may prevent binding another: if the port is the same.
func conflict(a, b stream.Addr) bool {
	return !a.Unix && !b.Unix && a.UDP == b.UDP && a != b && a.IP.Port() == b.IP.Port()
}

// setReusePort lets other sockets join those of the listener. A failure only logs an alert.
func (p *listener) setReusePort(c *console) {
	for _, s := range p.sockets {
		if err := reusePort.set(s.fd); err != nil {
			c.log(errorlog.Alert, "setsockopt(%s) %s failed, ignored%s", reusePort.name, s.addr, errorlog.Errno(err))
		}
	}
}

// A binder opens sockets.
type binder struct {
	console *console
	pause   time.Duration // between two attempts
	// testing ignores an address in use and sets no options of listening sockets, both as nginx -t does,
	// and does not use SO_REUSEPORT, which would take connections.
	testing bool
	parent  parent // binds the sockets; nil if the process does it itself
}

// bind opens a socket for each of listens, one after the other. The caller closes the sockets returned
// with an error. When ctx ends, bind stops waiting and returns its error.
func (b binder) bind(ctx context.Context, listens []*stream.Listen) ([]*socket, error) {
	var bound []*socket
	for range bindAttempts {
		some, failed, err := b.attempt(listens)
		bound = append(bound, some...)
		if err != nil || len(failed) == 0 || b.testing {
			return bound, err
		}
		b.console.log(errorlog.Notice, "try again to bind() after %dms", b.pause.Milliseconds())
		if err := sleep(ctx, b.pause); err != nil {
			return bound, err
		}
		listens = failed
	}
	return bound, errStillInUse
}

// sleep waits for d. If ctx ends first, it returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempt tries each once, and returns the bound sockets and the listens whose address is in use.
func (b binder) attempt(listens []*stream.Listen) (bound []*socket, inUse []*stream.Listen, err error) {
	for _, l := range listens {
		p, err := b.open(l)
		switch {
		case err == nil:
			bound = append(bound, p)
		case !errors.Is(err, unix.EADDRINUSE):
			return bound, inUse, err
		default:
			inUse = append(inUse, l)
			if !b.testing {
				b.console.log(errorlog.Emerg, "%v", err)
			}
		}
	}
	return bound, inUse, nil
}

func (b binder) open(l *stream.Listen) (*socket, error) {
	wanted := *l
	if b.testing {
		wanted.Options.ReusePort = false
	}
	s, err := listenOn(&wanted, b.testing, b.parent)
	if errors.Is(err, unix.EADDRINUSE) && l.Addr.Unix && !b.testing && isStaleSocket(l.Addr) {
		b.console.log(errorlog.Notice, "replacing the socket file \"%s\", which no process listens on", l.Addr.Path)
		removeSocket(l.Addr.Path, b.parent)
		s, err = listenOn(&wanted, b.testing, b.parent)
	}
	if err != nil {
		return nil, err
	}
	if !b.testing {
		s.configure(nil, wanted.Options, b.console)
	}
	return s, nil
}

// descriptors returns the descriptors of all sockets.
func (ps listenerSet) descriptors() []int {
	var all []int
	for _, p := range ps {
		all = append(all, p.descriptors()...)
	}
	return all
}
