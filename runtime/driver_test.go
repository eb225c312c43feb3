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

// An echoDriver carries sessions by itself: it sends back what comes, and tells the session only of the beginning and the end.
type echoDriver struct {
	env *stream.Env

	mu       sync.Mutex
	ports    map[*stream.Port]*echoPort
	sessions map[net.Conn]*stream.Session
	running  sync.WaitGroup
}

type echoPort struct {
	net.Listener
	done chan struct{}
}

func newEchoDriver(env *stream.Env) *echoDriver {
	return &echoDriver{env: env, ports: map[*stream.Port]*echoPort{}, sessions: map[net.Conn]*stream.Session{}}
}

func (d *echoDriver) Listen(p *stream.Port) error {
	fd, err := unix.FcntlInt(uintptr(p.FDs[0]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "port")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	e := &echoPort{l, make(chan struct{})}
	d.mu.Lock()
	d.ports[p] = e
	d.mu.Unlock()
	go d.accept(p, e)
	return nil
}

func (d *echoDriver) accept(p *stream.Port, e *echoPort) {
	defer close(e.done)
	for {
		c, err := e.Accept()
		if err != nil {
			return
		}
		l, lease := p.Admit()
		if l == nil {
			c.Close()
			continue
		}
		s := stream.NewSession(l, d.env, stream.Peer{Addr: addrOf(c)}, lease)
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

func (d *echoDriver) Forget(p *stream.Port) {
	d.mu.Lock()
	e := d.ports[p]
	delete(d.ports, p)
	d.mu.Unlock()
	if e != nil {
		e.Close()
		<-e.done
	}
}

func (d *echoDriver) Abort(match func(*stream.Session) bool, _ stream.Pace) {
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
