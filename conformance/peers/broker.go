package peers

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"sync"
)

// A Session is a broker's record of one client session.
type Session struct {
	Broker string
	Proxy  string // the PROXY protocol v1 line without its end; empty if there was none
	Client Connect
}

// A Fleet holds the sessions of several brokers in the order in which they began. Its methods may
// be called concurrently.
type Fleet struct {
	mu       sync.Mutex
	sessions []Session
}

// Sessions returns those with that client identifier, oldest first.
func (f *Fleet) Sessions(clientID string) []Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	var of []Session
	for _, s := range f.sessions {
		if s.Client.ClientID == clientID {
			of = append(of, s)
		}
	}
	return of
}

// All returns every session, oldest first.
func (f *Fleet) All() []Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sessions)
}

func (f *Fleet) begin(s Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions = append(f.sessions, s)
}

// Broker accepts clients, records their sessions in the fleet, echoes their PUBLISH packets and
// answers PINGREQ. A PROXY protocol v1 line before CONNECT is optional.
func (f *Fleet) Broker(name string) Serve {
	return func(c *Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		proxy := proxyLine(r)
		first, body, err := packet(r)
		if err != nil || first != 0x10 {
			return
		}
		client, err := parseConnect(body)
		if err != nil {
			return
		}
		f.begin(Session{Broker: name, Proxy: proxy, Client: client})
		c.Write(Connack(client.Level))
		reply(c, r)
	}
}

func proxyLine(r *bufio.Reader) string {
	if head, _ := r.Peek(len("PROXY")); !bytes.Equal(head, []byte("PROXY")) {
		return ""
	}
	line, _ := r.ReadString('\n')
	return strings.TrimRight(line, "\r\n")
}

// reply answers packets until the client disconnects.
func reply(c *Conn, r *bufio.Reader) {
	for {
		first, body, err := packet(r)
		if err != nil {
			return
		}
		switch first >> 4 {
		case 3: // PUBLISH
			c.Write(append(append([]byte{first}, remaining(len(body))...), body...))
		case 12: // PINGREQ
			c.Write([]byte{0xd0, 0})
		case 14: // DISCONNECT
			return
		}
	}
}
