package realpeers

import (
	"net"
	"testing"

	"github.com/pires/go-proxyproto"

	"weir/conformance/program"
)

// dialFrom connects to addr from a source address.
func dialFrom(source, addr string) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: program.Patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// dialProxied is dialFrom as in weir: the first bytes are a PROXY header.
func dialProxied(source, addr string) (*net.TCPConn, error) {
	conn, err := dialFrom(source, addr)
	if err != nil {
		return nil, err
	}
	header := proxyproto.HeaderProxyFromAddrs(1, conn.LocalAddr(), conn.RemoteAddr())
	if _, err := header.WriteTo(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// cut ends a connection like a machine after a power loss and restart: with a RST.
func cut(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	if err := conn.SetLinger(0); err != nil {
		t.Error(err)
	}
	conn.Close()
}

// hostOf returns the host of a host:port.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// portOf returns the port of a host:port.
func portOf(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return port
}
