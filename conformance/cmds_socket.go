package conformance

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"weir/conformance/sockets"
)

// listeners waits until the subject has n listening sockets with exactly this address.
func (r *run) listeners(args []string) error {
	addr, err := socketAddr(args[0])
	if err != nil {
		return err
	}
	return poll(func() error {
		all, err := r.findSockets(func(s sockets.Socket) bool { return s.Listening() && s.Local() == addr })
		defer closeSockets(all)
		if err == nil && strconv.Itoa(len(all)) != args[1] {
			err = fmt.Errorf("%d listening sockets, want %s", len(all), args[1])
		}
		return err
	})
}

// socketOption compares options of the listening socket of an address, or of the subject's end of a client's or a peer's connection.
func (r *run) socketOption(args []string) error {
	if len(args)%2 != 1 {
		return fmt.Errorf("want pairs of OPTION and VALUE")
	}
	match, err := r.socketOf(args[0])
	if err != nil {
		return err
	}
	all, err := r.findSockets(match)
	defer closeSockets(all)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("the subject has no such socket")
	}
	for i := 1; i < len(args); i += 2 {
		if err := compareOption(all[0], args[i], args[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// compareOption checks that the option has a value, or with a leading ! any other value.
func compareOption(s sockets.Socket, name, want string) error {
	got, err := s.Option(name)
	value, other := strings.CutPrefix(want, "!")
	if err == nil && (strconv.Itoa(got) == value) == other {
		err = fmt.Errorf("got %s %d, want %s", name, got, want)
	}
	return err
}

// socketOf returns a predicate for the socket of an address, a client or a peer in a script.
func (r *run) socketOf(word string) (func(sockets.Socket) bool, error) {
	if c, ok := r.clients[word]; ok {
		return endOf(c)
	}
	if _, ok := r.peers[word]; ok {
		c, err := r.newest(word)
		if err != nil {
			return nil, err
		}
		return endOf(c)
	}
	addr, err := socketAddr(word)
	return func(s sockets.Socket) bool { return s.Listening() && s.Local() == addr }, err
}

// endOf returns a predicate for the other end of a TCP connection.
func endOf(c net.Conn) (func(sockets.Socket) bool, error) {
	ours, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("%v is no TCP connection", c.LocalAddr())
	}
	near := unmapped(ours.AddrPort())
	return func(s sockets.Socket) bool { return s.Remote() == near }, nil
}

// socketAddr parses ":PORT" on loopback or "HOST:PORT", where * is every IPv4 address.
func socketAddr(word string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(word)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch host {
	case "":
		host = "127.0.0.1"
	case "*":
		host = "0.0.0.0"
	}
	return netip.ParseAddrPort(net.JoinHostPort(host, port))
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// findSockets returns the subject's sockets.Sockets that match, each once. The caller closes them.
func (r *run) findSockets(match func(sockets.Socket) bool) ([]sockets.Socket, error) {
	if r.proc == nil {
		return nil, errors.New("nothing runs")
	}
	all, err := sockets.Of(r.proc.cmd.Process.Pid)
	var found []sockets.Socket
	for _, s := range all {
		if match(s) {
			found = append(found, s)
			continue
		}
		s.Close()
	}
	return found, err
}

func closeSockets(all []sockets.Socket) {
	for _, s := range all {
		s.Close()
	}
}
