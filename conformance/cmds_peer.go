package conformance

import (
	"encoding/hex"
	"fmt"
	"net"
	"regexp"
	"strconv"

	"weir/conformance/peers"
)

// newest returns the newest connection of a peer and waits for the first one.
func (r *run) newest(name string) (*peers.Conn, error) {
	var c *peers.Conn
	err := r.awaitConn(name, func(newest *peers.Conn) error { c = newest; return nil })
	return c, err
}

// awaitConn waits until check accepts the newest connection of the peer.
func (r *run) awaitConn(name string, check func(*peers.Conn) error) error {
	p, err := r.peer(name)
	if err != nil {
		return err
	}
	return poll(func() error {
		c, err := p.Newest()
		if err != nil {
			return err
		}
		return check(c)
	})
}

func (r *run) heard(args []string) error {
	return r.awaitConn(args[0], func(c *peers.Conn) error {
		if got, _ := c.Heard(); string(got) != args[1] {
			return fmt.Errorf("heard %q, want %q", got, args[1])
		}
		return nil
	})
}

func (r *run) heardHex(args []string) error {
	re, err := regexp.Compile(args[1])
	if err != nil {
		return err
	}
	return r.awaitConn(args[0], func(c *peers.Conn) error {
		if got, _ := c.Heard(); !re.MatchString(hex.EncodeToString(got)) {
			return fmt.Errorf("heard %x", got)
		}
		return nil
	})
}

func (r *run) accepted(args []string) error {
	p, err := r.peer(args[0])
	if err != nil {
		return err
	}
	if got := strconv.Itoa(p.Accepted()); got != args[1] {
		return fmt.Errorf("peer %s accepted %s connections, want %s", args[0], got, args[1])
	}
	return nil
}

func (r *run) from(args []string) error {
	return r.awaitConn(args[0], func(c *peers.Conn) error {
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err == nil && host != args[1] {
			err = fmt.Errorf("reached from %s, want %s", host, args[1])
		}
		return err
	})
}

func (r *run) ended(args []string) error {
	return r.awaitConn(args[0], func(c *peers.Conn) error {
		if _, ended := c.Heard(); !ended {
			return fmt.Errorf("its input continues")
		}
		return nil
	})
}

func (r *run) peerSend(args []string) error {
	c, err := r.newest(args[0])
	if err != nil {
		return err
	}
	return write(c, []byte(args[1]), false)
}

func (r *run) peerSendN(args []string) error {
	data, err := filler(args[1])
	if err != nil {
		return err
	}
	return r.peerSend([]string{args[0], data})
}

func (r *run) peerClose(args []string) error {
	c, err := r.newest(args[0])
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1:
		return c.Close()
	case args[1] == "write":
		return c.CloseWrite()
	case args[1] == "reset":
		return c.Reset()
	}
	return fmt.Errorf("unknown way to close %q", args[1])
}

func (r *run) down(args []string) error {
	return r.eachPeer(args, func(p *peers.Peer) error { p.Down(); return nil })
}

func (r *run) up(args []string) error { return r.eachPeer(args, (*peers.Peer).Up) }

func (r *run) eachPeer(names []string, do func(*peers.Peer) error) error {
	for _, name := range names {
		p, err := r.peer(name)
		if err != nil {
			return err
		}
		if err := do(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) seen(args []string) error {
	var met []string
	for _, s := range r.fleet.Sessions(args[0]) {
		met = append(met, s.Broker)
	}
	return compareLines(met, args[1:])
}

func (r *run) seenLast(args []string) error {
	s, err := r.lastSession(args[0])
	if err != nil {
		return err
	}
	return compareLines([]string{s.Broker}, args[1:])
}

func (r *run) proxyLine(args []string) error {
	s, err := r.lastSession(args[0])
	if err != nil {
		return err
	}
	return compareLines([]string{s.Proxy}, args[1:])
}

// lastSession returns the newest session of a client identifier on any broker.
func (r *run) lastSession(clientID string) (peers.Session, error) {
	all := r.fleet.Sessions(clientID)
	if len(all) == 0 {
		return peers.Session{}, fmt.Errorf("no broker saw client %q", clientID)
	}
	return all[len(all)-1], nil
}
