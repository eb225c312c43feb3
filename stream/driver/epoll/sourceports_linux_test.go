package epoll

import (
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"weir/stream/driver/internal/poll"
)

// TestNoTimeWaitWhilePortsAreShort checks that a connection to a server is reset while source ports
// are short, and only then.
func TestNoTimeWaitWhilePortsAreShort(t *testing.T) {
	tests := []struct {
		name       string
		now, until int64
		end        bool // the server has ended the connection
		want       error
	}{
		{"ports are short", 1, 2, false, unix.ECONNRESET},
		{"no longer", 2, 2, false, io.EOF},
		{"never", 0, 0, false, io.EOF},
		{"ended by the server", 1, 2, true, io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fd, server := connection(t)
			l := &loop{stamp: tt.now, noPorts: tt.until}
			h := &half{c: &conn{l: l}, fd: fd, isUp: true, eof: tt.end}
			h.skipTimeWait()
			closeFD(fd)
			if _, err := server.Read(make([]byte, 1)); !errors.Is(err, tt.want) {
				t.Errorf("the server reads %v, want %v", err, tt.want)
			}
		})
	}
}

// connection returns a descriptor connected to a server, and the server's side.
func connection(t *testing.T) (int32, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, e := poll.Socket(unix.AF_INET, unix.SOCK_STREAM)
	if e != 0 {
		t.Fatal(e)
	}
	to := &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Connect(int(fd), to); err != nil && err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return fd, server
}
