package runtime

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
)

// An echoDriver sends back received data by itself, and gives the session only the events of the
// beginning and the end.
type echoDriver struct {
	env *stream.Env

	mu       sync.Mutex
	ports    map[*stream.Listener]*echoPort
	sessions map[net.Conn]*stream.Session
	running  sync.WaitGroup
}

// An echoPort has a net.Listener for each descriptor of the stream.Listener.
type echoPort struct {
	listeners []net.Listener
	accepting sync.WaitGroup
}

func newEchoDriver(env *stream.Env) *echoDriver {
	return &echoDriver{env: env, ports: map[*stream.Listener]*echoPort{}, sessions: map[net.Conn]*stream.Session{}}
}

func (d *echoDriver) Listen(p *stream.Listener) error {
	e := &echoPort{}
	for _, fd := range p.FDs {
		l, err := listenerOf(fd)
		if err != nil {
			return err
		}
		e.listeners = append(e.listeners, l)
		e.accepting.Go(func() { d.accept(p, l) })
	}
	d.mu.Lock()
	d.ports[p] = e
	d.mu.Unlock()
	return nil
}

// listenerOf returns a listener with its own descriptor.
func listenerOf(fd int) (net.Listener, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(own), "port")
	defer f.Close()
	l, err := net.FileListener(f)
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return l, err
}

func (d *echoDriver) accept(p *stream.Listener, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		meaning, lease := p.Admit()
		if meaning == nil {
			c.Close()
			continue
		}
		s := stream.NewSession(meaning, d.env, stream.Client{Addr: addrOf(c)}, lease)
		s.Advance(stream.Event{Kind: stream.Accepted})
		d.mu.Lock()
		d.sessions[c] = s
		d.mu.Unlock()
		d.running.Go(func() { d.echo(c, s) })
	}
}

func addrOf(c net.Conn) stream.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return stream.UnixAddr("")
	}
	return stream.Addr{IP: a}
}

func (d *echoDriver) echo(c net.Conn, s *stream.Session) {
	defer c.Close()
	b := make([]byte, 64)
	for {
		n, err := c.Read(b)
		if err == nil {
			_, err = c.Write(b[:n])
		}
		if err != nil {
			break
		}
	}
	d.mu.Lock()
	_, mine := d.sessions[c]
	delete(d.sessions, c)
	d.mu.Unlock()
	if mine {
		s.Advance(stream.Event{Kind: stream.EOF})
	}
}

func (d *echoDriver) Forget(p *stream.Listener) {
	d.mu.Lock()
	e := d.ports[p]
	delete(d.ports, p)
	d.mu.Unlock()
	if e == nil {
		return
	}
	for _, l := range e.listeners {
		l.Close()
	}
	e.accepting.Wait()
}

func (d *echoDriver) Abort(match func(*stream.Session) bool, _ *stream.Budget) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c, s := range d.sessions {
		if match(s) {
			c.SetDeadline(time.Unix(1, 0))
		}
	}
}

func (d *echoDriver) Close() error {
	d.mu.Lock()
	for c := range d.sessions {
		delete(d.sessions, c)
		c.Close()
	}
	d.mu.Unlock()
	d.running.Wait()
	return nil
}
