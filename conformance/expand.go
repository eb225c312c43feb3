package conformance

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"weir/conformance/peers"
)

// A kind is one kind of {{KIND NAME}} value.
type kind struct {
	usage string // its arguments, two spaces, and the value
	value func(r *run, args []string) (string, error)
}

// kinds are the kinds of values. The first use of a name creates the value, later uses repeat it.
var kinds = map[string]kind{
	"fill": {"N  N bytes", func(_ *run, args []string) (string, error) { return filler(joinArgs(args)) }},
	"data": {"FILE  the path of a file under testdata", func(_ *run, args []string) (string, error) { return filepath.Abs("testdata/" + joinArgs(args)) }},
	"dir":  {"the directory of the script", func(r *run, _ []string) (string, error) { return r.dir, nil }},
	"hello": {"[name=HOST] [alpn=P,…] [version=1.2] [pad=N] [records=N] [first=N] [after=N]  " +
		"the ClientHello of a TLS client, as escapes for a word in double quotes: with N bytes of padding, " +
		"in records of N bytes, its first N bytes, those after them", (*run).clientHello},

	"port":  {"NAME  a free port; NAME+1, NAME+2 … are the ports after it if {{ports NAME N}} reserved them", (*run).port},
	"ports": {"NAME N  N consecutive free ports, as FIRST-LAST", (*run).ports},
	"addr":  {"PEER  the address of an existing peer", (*run).peerAddr},
	"local": {"CLIENT  the port of a client's connection", (*run).local},

	"ring":   {"KEY PEER PEER*WEIGHT …  the peer that `hash … consistent` selects for a key", (*run).ring},
	"plain":  {"KEY PEER PEER*WEIGHT …  the peer that `hash …` selects for a key", (*run).plain},
	"keyfor": {"PEER PEER PEER*WEIGHT …  a key for which the ring selects the first peer", (*run).keyFor},
	"other":  {"KEY PEER PEER  of two peers, the one that {{ring KEY …}} does not select", (*run).other},

	"echo":     {"[NAME]  a server that returns what it receives", starter("echo", func(*run, string) peers.Serve { return peers.Echo })},
	"named":    {"NAME  a server that sends its name to each connection", starter("named", func(_ *run, name string) peers.Serve { return peers.Named(name) })},
	"sink":     {"[NAME]  a server that reads and sends nothing", starter("sink", func(*run, string) peers.Serve { return peers.Sink })},
	"closing":  {"[NAME]  a server that closes each connection", starter("closing", func(*run, string) peers.Serve { return peers.Closing })},
	"broker":   {"NAME  an MQTT broker that records its clients", starter("broker", func(r *run, name string) peers.Serve { return r.fleet.Broker(name) })},
	"udpecho":  {"[NAME]  a server that returns each datagram", packetStarter("udpecho", func(string) peers.Answer { return peers.EchoPacket })},
	"udpnamed": {"NAME  a server that responds to each datagram with its name", packetStarter("udpnamed", peers.NamedPacket)},
	"udpsink": {"[NAME]  a server that receives datagrams and does not respond",
		packetStarter("udpsink", func(string) peers.Answer { return peers.NoAnswer })},
	"tlsecho":       {"[NAME]  `echo` over TLS; see the command tlsserver", tlsStarter("tlsecho", func(string) peers.Serve { return peers.Echo })},
	"tlsnamed":      {"NAME  `named` over TLS", tlsStarter("tlsnamed", peers.Named)},
	"unixtlsecho":   {"NAME  `tlsecho` at a unix socket", (*run).unixTLSEcho},
	"unixecho":      {"NAME  an echo at a unix socket", (*run).unixEcho},
	"refused":       {"[NAME]  an address that refuses connections", (*run).refused},
	"full":          {"NAME  an address where connection attempts hang", (*run).full},
	"dns":           {"NAME  a name server", (*run).startDNS},
	"responder":     {"NAME  an OCSP responder", (*run).startResponder},
	"responderport": {"NAME  the port of an OCSP responder", (*run).responderPort},
	"dnsport":       {"NAME  the port of a name server", (*run).dnsPort},
	"namedat":       {"PEER IP PORT  `named` at this address", at(func(_ *run, name string) peers.Serve { return peers.Named(name) })},
	"brokerat":      {"PEER IP PORT  `broker` at this address", at(func(r *run, name string) peers.Serve { return r.fleet.Broker(name) })},
}

var placeholder = regexp.MustCompile(`\{\{([^{}]*)\}\}`)

// expand replaces every {{KIND NAME}} of text.
func (r *run) expand(text string) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		words := strings.Fields(m[2 : len(m)-2])
		if len(words) == 0 || kinds[words[0]].value == nil {
			failed = fmt.Errorf("unknown placeholder %s", m)
			return m
		}
		value, err := kinds[words[0]].value(r, words[1:])
		if err != nil {
			failed = fmt.Errorf("%s: %w", m, err)
		}
		return value
	})
	return out, failed
}

func joinArgs(args []string) string {
	return strings.Join(args, " ")
}

func (r *run) port(args []string) (string, error) {
	name, offset, _ := strings.Cut(joinArgs(args), "+")
	first, known := r.taken[name]
	if offset == "" && !known {
		n, err := ports.take(1)
		if err != nil {
			return "", err
		}
		r.taken[name], first = n, n
	}
	if offset == "" {
		return strconv.Itoa(first), nil
	}
	n, err := strconv.Atoi(offset)
	if err != nil || !known {
		return "", fmt.Errorf("no ports %s", name)
	}
	return strconv.Itoa(first + n), nil
}

func (r *run) ports(args []string) (string, error) {
	if len(args) != 2 {
		return "", fmt.Errorf("want ports NAME N")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return "", err
	}
	if _, known := r.taken[args[0]]; !known {
		first, err := ports.take(n)
		if err != nil {
			return "", err
		}
		r.taken[args[0]] = first
	}
	first := r.taken[args[0]]
	return fmt.Sprintf("%d-%d", first, first+n-1), nil
}

func (r *run) local(args []string) (string, error) {
	c, err := r.client(joinArgs(args))
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	return port, err
}

// starter creates the value of a kind of peer: its address. Without a name the peer has the name of
// its kind.
func starter(kind string, serve func(*run, string) peers.Serve) func(*run, []string) (string, error) {
	return func(r *run, args []string) (string, error) {
		name := joinArgs(args)
		if name == "" {
			name = kind
		}
		return r.startPeer(name, serve(r, name))
	}
}

func (r *run) startPeer(name string, serve peers.Serve) (string, error) {
	if p, ok := r.peers[name]; ok {
		return p.Addr(), nil
	}
	return onFreeAddr(func(addr string) error { return r.addPeer(name, addr, serve) })
}

func (r *run) addPeer(name, addr string, serve peers.Serve) error {
	p, err := peers.Start(name, addr, serve)
	if err != nil {
		return err
	}
	r.peers[name] = p
	r.cleanup(p.Close)
	return nil
}

func (r *run) unixEcho(args []string) (string, error) {
	if p, ok := r.peers[joinArgs(args)]; ok {
		return p.Addr(), nil
	}
	addr := "unix:" + filepath.Join(r.dir, joinArgs(args)+".sock")
	return addr, r.addPeer(joinArgs(args), addr, peers.Echo)
}

func (r *run) refused(args []string) (string, error) {
	addr, err := r.port(append(args, "refused"))
	return "127.0.0.1:" + addr, err
}

func (r *run) full(args []string) (string, error) {
	if f, ok := r.fulls[joinArgs(args)]; ok {
		return f.Addr(), nil
	}
	return onFreeAddr(func(addr string) error {
		f, err := peers.StartFull(addr)
		if err != nil {
			return err
		}
		r.fulls[joinArgs(args)] = f
		r.cleanup(f.Close)
		return nil
	})
}

// onFreeAddr starts a server on a free address, and on another one if a process took the port in
// the meantime.
func onFreeAddr(start func(addr string) error) (string, error) {
	for {
		port, err := ports.take(1)
		if err != nil {
			return "", err
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if err := start(addr); !errors.Is(err, syscall.EADDRINUSE) {
			return addr, err
		}
	}
}

func (r *run) peerAddr(args []string) (string, error) {
	if p, ok := r.packets[joinArgs(args)]; ok {
		return p.Addr(), nil
	}
	p, err := r.peer(joinArgs(args))
	if err != nil {
		return "", err
	}
	return p.Addr(), nil
}
