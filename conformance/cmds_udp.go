package conformance

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"weir/conformance/peers"
)

// dialUDP creates a UDP client; send, sendn and close work as for connections.
func (r *run) dialUDP(args []string) error {
	options, err := parseOptions(args[2:], "from")
	if err != nil {
		return err
	}
	c, err := dialPackets(args[1], options["from"])
	if err != nil {
		return err
	}
	if old, again := r.clients[args[0]]; again {
		old.Close()
	}
	r.clients[args[0]] = c
	r.cleanup(func() { c.Close() })
	return c.SetDeadline(time.Now().Add(patience))
}

// dialPackets is dialAddr for datagrams.
func dialPackets(addr, from string) (net.Conn, error) {
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
	}
	return d.Dial("udp", addr)
}

// receive checks that the client's next datagrams are these, each whole.
func (r *run) receive(args []string) error {
	for _, want := range args[1:] {
		got, err := r.nextPacket(args[0], patience)
		if err != nil || got != want {
			return fmt.Errorf("got %q, want %q (%v)", got, want, err)
		}
	}
	return nil
}

func (r *run) receiveN(args []string) error {
	data, err := filler(args[1])
	if err != nil {
		return err
	}
	return r.receive([]string{args[0], data})
}

// silence is how long nothing may arrive.
const silence = 200 * time.Millisecond

func (r *run) quiet(args []string) error {
	got, err := r.nextPacket(args[0], silence)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("got %q, %v, want nothing", got, err)
}

func (r *run) nextPacket(name string, wait time.Duration) (string, error) {
	c, err := r.client(name)
	if err != nil {
		return "", err
	}
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return "", err
	}
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	return string(b[:n]), err
}

// whoUDP asks with one new client after another which named peer answers.
func (r *run) whoUDP(args []string) error {
	options, addr := map[string]string{}, args[0]
	names := args[1:]
	if from, ok := strings.CutPrefix(names[0], "from="); ok {
		options["from"], names = from, names[1:]
	}
	var met []string
	for range names {
		name, err := whoAnswers(addr, options["from"])
		if err != nil {
			return fmt.Errorf("after %v: %w", met, err)
		}
		met = append(met, name)
	}
	return compareLines(met, names)
}

func whoAnswers(addr, from string) (string, error) {
	c, err := dialPackets(addr, from)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte("who")); err != nil {
		return "", err
	}
	b := make([]byte, 512)
	n, err := c.Read(b)
	return string(b[:n]), err
}

// packetStarter is starter for a kind of UDP peer.
func packetStarter(kind string, answer func(name string) peers.Answer) func(*run, []string) (string, error) {
	return func(r *run, args []string) (string, error) {
		name := joinArgs(args)
		if name == "" {
			name = kind
		}
		if p, ok := r.packets[name]; ok {
			return p.Addr(), nil
		}
		return onFreeAddr(func(addr string) error {
			p, err := peers.StartPackets(addr, answer(name))
			if err != nil {
				return err
			}
			r.packets[name] = p
			r.cleanup(p.Down)
			return nil
		})
	}
}

func (r *run) packetPeer(name string) (*peers.PacketPeer, error) {
	p, ok := r.packets[name]
	if !ok {
		return nil, fmt.Errorf("no peer %q of datagrams", name)
	}
	return p, nil
}

// got waits until the peer has received exactly these datagrams.
func (r *run) got(args []string) error {
	p, err := r.packetPeer(args[0])
	if err != nil {
		return err
	}
	return poll(func() error {
		var all []string
		for _, packet := range p.Got() {
			all = append(all, strconv.Quote(string(packet.Data)))
		}
		var want []string
		for _, data := range args[1:] {
			want = append(want, strconv.Quote(data))
		}
		return compareLines(all, want)
	})
}

// gotRegexps waits until the peer has received one datagram per regular expression, each matching
// the whole datagram.
func (r *run) gotRegexps(args []string) error {
	p, err := r.packetPeer(args[0])
	if err != nil {
		return err
	}
	return poll(func() error {
		var all []string
		for _, packet := range p.Got() {
			all = append(all, string(packet.Data))
		}
		return matchAll(all, args[1:])
	})
}

// gotFrom checks the sources of the peer's datagrams, named by letters in the order of their
// appearance.
func (r *run) gotFrom(args []string) error {
	p, err := r.packetPeer(args[0])
	if err != nil {
		return err
	}
	letters := map[string]string{}
	var all []string
	for _, packet := range p.Got() {
		from := packet.From.String()
		if letters[from] == "" {
			letters[from] = string(rune('a' + len(letters)))
		}
		all = append(all, letters[from])
	}
	return compareLines(all, args[1:])
}

// gotAt checks that the peer's newest datagram has that source address.
func (r *run) gotAt(args []string) error {
	p, err := r.packetPeer(args[0])
	if err != nil {
		return err
	}
	all := p.Got()
	if len(all) == 0 {
		return fmt.Errorf("no datagram came to %s", args[0])
	}
	host, _, err := net.SplitHostPort(all[len(all)-1].From.String())
	return errors.Join(err, compareLines([]string{host}, args[1:]))
}

// say makes the peer send datagrams to the source of its n-th datagram.
func (r *run) say(args []string) error {
	p, err := r.packetPeer(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for _, data := range args[2:] {
		if err := p.Say(n, []byte(data)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) downUDP(args []string) error {
	return r.eachPacketPeer(args, func(p *peers.PacketPeer) error { p.Down(); return nil })
}

func (r *run) upUDP(args []string) error { return r.eachPacketPeer(args, (*peers.PacketPeer).Up) }

func (r *run) eachPacketPeer(names []string, do func(*peers.PacketPeer) error) error {
	for _, name := range names {
		p, err := r.packetPeer(name)
		if err != nil {
			return err
		}
		if err := do(p); err != nil {
			return err
		}
	}
	return nil
}

// refusesUDP sends an empty datagram and expects that the port is refused.
func (r *run) refusesUDP(args []string) error {
	c, err := dialPackets(args[0], "")
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(nil); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("got %v, want a refusal", err)
	}
	return nil
}
