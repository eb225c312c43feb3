package udp_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/testwait"
)

// client is the client end of sessions.
type client struct {
	testing.TB
	net.Conn
}

// client connects a socket to the rig's address; host, if not empty, replaces the wildcard.
func (r *rig) client(host string) *client {
	r.Helper()
	r.start()
	var local net.Addr
	if r.addr.Network() == "unixgram" {
		local = &net.UnixAddr{Net: "unixgram", Name: r.path("client")}
	}
	to := r.addr.String()
	if host != "" {
		_, port, _ := net.SplitHostPort(to)
		to = net.JoinHostPort(host, port)
	}
	d := net.Dialer{LocalAddr: local}
	conn, err := d.Dial(r.addr.Network(), to)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testwait.Patience))
	return &client{r.TB, conn}
}

func (c *client) send(text string) {
	c.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.Fatal(err)
	}
}

// expect checks that the next datagrams are these.
func (c *client) expect(want ...string) {
	c.Helper()
	b := make([]byte, 1<<16)
	for _, text := range want {
		n, err := c.Read(b)
		if err != nil || string(b[:n]) != text {
			c.Fatalf("got %q, %v; want %q", b[:n], err, text)
		}
	}
}

// expectNone checks that no datagram has arrived.
func (c *client) expectNone() {
	c.Helper()
	if data, ok := arrived(c, c.Conn.(syscall.Conn)); ok {
		c.Errorf("got a datagram of %d bytes, want none", len(data))
	}
}

// arrived returns a datagram that has arrived, if there is one. It does not wait.
func arrived(t testing.TB, conn syscall.Conn) (data []byte, ok bool) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1<<16)
	var n int
	var receiveErr error
	if err := raw.Control(func(fd uintptr) { n, _, receiveErr = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT) }); err != nil {
		t.Fatal(err)
	}
	if receiveErr != nil && receiveErr != unix.EAGAIN {
		t.Fatal(receiveErr)
	}
	return b[:max(n, 0)], receiveErr == nil
}
