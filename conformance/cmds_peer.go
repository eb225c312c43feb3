package conformance

import (
	"fmt"
	"net"
	"strconv"

	"weir/conformance/peers"
)

// newest returns the newest connection of a peer, waiting for a first one.
func (r *run) newest(name string) (*peers.Conn, error) {
	p, err := r.peer(name)
	if err != nil {
		return nil, err
	}
	return p.Last(patience)
}

func (r *run) heard(args []string) error {
	c, err := r.newest(args[0])
	if err != nil {
		return err
	}
	return c.Heard([]byte(args[1]), patience)
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
	c, err := r.newest(args[0])
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return err
	}
	if host != args[1] {
		return fmt.Errorf("peer %s was reached from %s, want %s", args[0], host, args[1])
	}
	return nil
}

func (r *run) ended(args []string) error {
	c, err := r.newest(args[0])
	if err != nil {
		return err
	}
	return c.Ended(patience)
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
	return differ(met, args[1:])
}

func (r *run) proxyLine(args []string) error {
	all := r.fleet.Sessions(args[0])
	if len(all) == 0 {
		return fmt.Errorf("no broker saw client %q", args[0])
	}
	if got := all[len(all)-1].Proxy; got != args[1] {
		return fmt.Errorf("got %q, want %q", got, args[1])
	}
	return nil
}
