package goroutine

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/errorlog"
	"weir/stream"
)

// acceptDelay is how long a listener waits after an error (nginx: the default of accept_mutex_delay).
const acceptDelay = 500 * time.Millisecond

// listener is a stream.Listener on which the driver accepts.
type listener struct {
	*stream.Listener
	d         *Driver
	sockets   []net.Listener
	keepAlive net.KeepAliveConfig // accepted connections inherit it in the kernel, and package net changes it
	stopped   chan struct{}
	accepting sync.WaitGroup
}

func openListener(d *Driver, p *stream.Listener) (*listener, error) {
	opened := &listener{Listener: p, d: d, stopped: make(chan struct{})}
	for _, fd := range p.FDs {
		l, err := newNetListener(fd)
		if err != nil {
			opened.closeAll()
			return nil, err
		}
		opened.sockets = append(opened.sockets, l)
		opened.keepAlive = keepAliveOf(fd)
	}
	return opened, nil
}

// newNetListener makes a net.Listener with a descriptor of its own.
func newNetListener(fd int) (net.Listener, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(own), "listener")
	defer f.Close()
	return net.FileListener(f)
}

func (p *listener) closeAll() {
	for _, l := range p.sockets {
		l.Close()
	}
}

func (p *listener) start() {
	for _, l := range p.sockets {
		p.accepting.Add(1)
		go p.accept(l)
	}
}

func (p *listener) stop() {
	close(p.stopped)
	p.closeAll()
	p.accepting.Wait()
}

// accept takes connections until the listener is stopped.
func (p *listener) accept(l net.Listener) {
	defer p.accepting.Done()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.failed(err)
			continue
		}
		p.startSession(conn.(socket))
	}
}

// failed logs the error as ngx_event_accept does, and waits.
func (p *listener) failed(err error) {
	defer p.d.reportPanic()
	var errno syscall.Errno
	errors.As(err, &errno)
	level := stream.LevelAlert
	if errno == syscall.EMFILE || errno == syscall.ENFILE {
		level = stream.LevelCrit
	}
	p.log().Write(level, 0, "accept4() failed"+errorlog.Errno(errno))
	t := time.NewTimer(acceptDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.stopped:
	}
}

// log returns the error log of the default server.
func (p *listener) log() *errorlog.Log {
	listen, lease := p.Admit()
	if lease != nil {
		defer lease.Release()
	}
	if listen == nil {
		return p.d.env.Log
	}
	return listen.Default.Settings.ErrorLog
}

// startSession begins the session of a connection. It adds the session to the driver before it calls
// Admit, so that an Abort misses no session of a generation older than the Abort.
func (p *listener) startSession(sock socket) {
	defer p.d.reportPanic()
	c := newSession(p.d, sock)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.d.add(c) {
		sock.Close()
		return
	}
	defer func() {
		if c.s == nil {
			p.d.remove(c)
			sock.Close()
		}
	}()
	listen, lease := p.Admit()
	if listen == nil {
		return
	}
	inherit(sock, p.keepAlive)
	local := addrOf(sock.LocalAddr())
	peer := stream.Client{Addr: addrOf(sock.RemoteAddr()), Local: &local}
	c.s = stream.NewSession(listen, p.d.env, peer, lease)
	go c.run()
}

// inherit reverts the changes that package net makes to every accepted connection: in nginx they
// have the listening socket's settings.
func inherit(sock socket, keepAlive net.KeepAliveConfig) {
	tcp, ok := sock.(*net.TCPConn)
	if !ok {
		return
	}
	if !keepAlive.Enable {
		tcp.SetKeepAlive(false)
		return
	}
	tcp.SetKeepAliveConfig(keepAlive)
}
