package conformance

import (
	"fmt"
	"net"
	"strconv"

	"weir/conformance/peers"
)

// startDNS returns the address of a name server; the first use of a name starts it.
func (r *run) startDNS(args []string) (string, error) {
	name := joinArgs(args)
	if d, ok := r.dns[name]; ok {
		return d.Addr(), nil
	}
	return onFreeAddr(func(addr string) error {
		d, err := peers.StartDNS(addr)
		if err != nil {
			return err
		}
		r.dns[name] = d
		r.cleanup(d.Close)
		return nil
	})
}

func (r *run) dnsPort(args []string) (string, error) {
	addr, err := r.startDNS(args)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(addr)
	return port, err
}

// at returns the value of a peer at an IP address, on the port of {{port NAME}}: {{KIND PEER IP
// NAME}}.
func at(serve func(r *run, name string) peers.Serve) func(*run, []string) (string, error) {
	return func(r *run, args []string) (string, error) {
		if len(args) != 3 {
			return "", fmt.Errorf("want PEER IP PORT")
		}
		if p, ok := r.peers[args[0]]; ok {
			return p.Addr(), nil
		}
		port, err := r.port(args[2:])
		if err != nil {
			return "", err
		}
		addr := net.JoinHostPort(args[1], port)
		return addr, r.addPeer(args[0], addr, serve(r, args[0]))
	}
}

// nameServer returns the name server named by the first argument.
func (r *run) nameServer(name string) (*peers.DNS, error) {
	d, ok := r.dns[name]
	if !ok {
		return nil, fmt.Errorf("no name server %q", name)
	}
	return d, nil
}

func (r *run) dnsSet(args []string) error {
	d, err := r.nameServer(args[0])
	if err != nil {
		return err
	}
	ttl, err := strconv.ParseUint(args[3], 10, 32)
	if err != nil {
		return err
	}
	return d.Set(args[1], args[2], uint32(ttl), args[4:]...)
}

func (r *run) dnsRemove(args []string) error {
	d, err := r.nameServer(args[0])
	if err == nil {
		d.Remove(args[1])
	}
	return err
}

func (r *run) dnsFail(args []string) error {
	d, err := r.nameServer(args[0])
	if err != nil {
		return err
	}
	code, err := strconv.Atoi(args[2])
	if err == nil {
		d.Fail(args[1], code)
	}
	return err
}

func (r *run) dnsMode(args []string) error {
	d, err := r.nameServer(args[0])
	if err != nil {
		return err
	}
	switch args[1] {
	case "silent":
		d.Silence("", true)
	case "truncating":
		d.Truncate(true)
	case "forging":
		d.Forge(true)
	case "plain":
		d.Silence("", false)
		d.Truncate(false)
		d.Forge(false)
	default:
		return fmt.Errorf("unknown mode %q", args[1])
	}
	return nil
}

func (r *run) dnsAsked(args []string) error {
	d, err := r.nameServer(args[0])
	if err != nil {
		return err
	}
	if got := strconv.Itoa(d.Asked(args[1], args[2])); got != args[3] {
		return fmt.Errorf("%s was asked for %s %s times, want %s", args[1], args[2], got, args[3])
	}
	return nil
}

func (r *run) dnsOverTCP(args []string) error {
	d, err := r.nameServer(args[0])
	if err != nil {
		return err
	}
	if got := d.OverTCP() > 0; got != (args[1] == "yes") {
		return fmt.Errorf("questions came over TCP: %v", got)
	}
	return nil
}
