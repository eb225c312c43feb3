//go:build linux

package sockets_test

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"weir/conformance/sockets"
)

// TestOwnSockets inspects the sockets of this process, whose options it knows.
func TestOwnSockets(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	all, err := sockets.Of(unix.Getpgrp())
	for _, s := range all {
		defer s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	listening := find(t, all, func(s sockets.Socket) bool { return s.Listening() && s.Local() == addr })
	if on, err := listening.Option("reuseport"); on != 0 || err != nil {
		t.Errorf("got reuseport %d, %v, want 0", on, err)
	}
	if n, err := listening.Option("backlog"); n == 0 || err != nil {
		t.Errorf("got backlog %d, %v, want more than none", n, err)
	}
	connected := find(t, all, func(s sockets.Socket) bool { return s.Remote() == addr })
	if on, err := connected.Option("nodelay"); on != 1 || err != nil {
		t.Errorf("got nodelay %d, %v, want 1, as Go sets it", on, err)
	}
	if _, err := connected.Option("nonsense"); err == nil {
		t.Error("got no error for an option that is none")
	}
}

// find returns the only socket that matches.
func find(t *testing.T, all []sockets.Socket, match func(sockets.Socket) bool) sockets.Socket {
	t.Helper()
	var found []sockets.Socket
	for _, s := range all {
		if match(s) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("got %d sockets, want 1", len(found))
	}
	return found[0]
}
