package reliability

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/ports"
)

// seeds are messages that hostile clients change.
var seeds = [][]byte{
	peers.Connect{Level: 3, ClientID: "meter-1", Username: "user"}.Bytes(),
	peers.Connect{Level: 4, ClientID: "meter-1", Username: "user", Password: "password"}.Bytes(),
	peers.Connect{Level: 5, ClientID: "meter-1", Username: "user"}.Bytes(),
	[]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n\x10\x0c\x00\x04MQTT\x04\x02\x00\x1e\x00\x00"),
	[]byte("PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n"),
	[]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\x57\x08\xae\x10\x0c"),
	[]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x17\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\x57\x08\xae\xea\x00\x08\x31\x31\x31\x31\x31\x31\x31\x31"),
}

// mutated returns n changed messages, which are the same in every run.
func mutated(n int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([][]byte, n)
	for i := range all {
		b := append([]byte{}, seeds[i%len(seeds)]...)
		for range 1 + r.IntN(4) {
			b = mutate(r, b)
		}
		all[i] = b
	}
	return all
}

// mutate changes one place of a message.
func mutate(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return []byte{byte(r.Uint32())}
	}
	at := r.IntN(len(b))
	switch r.IntN(6) {
	case 0:
		return b[:at]
	case 1:
		b[at] ^= 1 << r.IntN(8)
	case 2:
		b[at] = []byte{0, 0x7f, 0x80, 0xff}[r.IntN(4)]
	case 3: // a length is often one of the first bytes
		b[min(1+r.IntN(3), len(b)-1)] = byte(r.Uint32())
	case 4:
		return append(b[:at:at], b[min(at+1+r.IntN(4), len(b)):]...)
	case 5:
		more := make([]byte, r.IntN(40<<10/(1+r.IntN(1000))))
		return append(append(b[:at:at], more...), b[at:]...)
	}
	return b
}

// hostileClients is how many hostile clients are connected at a time.
const hostileClients = 16

// attack sends each message to one of the addresses in turn, and waits until weir ends the connection.
func attack(t *testing.T, messages [][]byte, addrs ...string) {
	t.Helper()
	next := make(chan int)
	var running sync.WaitGroup
	for range hostileClients {
		running.Go(func() {
			for i := range next {
				if err := send(addrs[i%len(addrs)], messages[i], i); err != nil {
					t.Errorf("hostile client %d: %v", i, err)
				}
			}
		})
	}
	for i := range messages {
		next <- i
	}
	close(next)
	running.Wait()
}

// send sends a message, in two parts for some clients, and waits for the end of the session. Some clients
// reset the connection instead.
func send(addr string, message []byte, i int) error {
	c, err := dialer.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	half := len(message) / 2 * (i % 3 / 2)
	for _, part := range [][]byte{message[:half], message[half:]} {
		if _, err := c.Write(part); errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			return nil // weir has ended the session
		}
	}
	conn := c.(*net.TCPConn)
	if i%5 == 0 {
		return conn.SetLinger(0)
	}
	_ = conn.CloseWrite() // weir may have ended the session
	err = awaitEnd(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("weir does not end the session")
	}
	return nil
}

var sessionLine = regexp.MustCompile(`\[\w+\] \S+ \*(\d+) (.*)`)

// TestMutatedMessages sends changed CONNECT packets and PROXY headers while other sessions exchange
// messages. weir survives, with at most one line for each and with little more memory.
func TestMutatedMessages(t *testing.T) {
	n := scale(2000, 50000)
	s, header, honest := newSite(t), ports.Reserve(t).String(), ports.Reserve(t).String()
	s.info = true
	s.start(fmt.Sprintf(`mqtt_preread on; preread_timeout 5s; proxy_protocol_timeout 5s;
server { listen $ADDR backlog=4096; return "$mqtt_preread_clientid"; }
server { listen %s proxy_protocol backlog=4096; return "$proxy_protocol_addr $mqtt_preread_clientid"; }
server { listen %s; proxy_pass %s; }`, header, honest, threeBrokers(t)[0]))
	f := startFleet(t, honest, names("meter", 50))
	messages := mutated(n)
	attack(t, messages[:n/4], s.addr, header) // memory of a process grows at first
	before, began := s.usage(), time.Now()
	attack(t, messages, s.addr, header)
	took := time.Since(began)
	f.round()
	grown := s.Memory(t) - before.memory
	s.awaitUsage(before)
	figure(t, "mutated messages", "%d in %v; memory has grown by %d KiB", n, took.Round(time.Millisecond), grown>>10)
	if grown > 32<<20 {
		t.Errorf("memory has grown by %d KiB", grown>>10)
	}
	f.halt()
	s.Quit(t)
	s.wantNoBugs()
	s.wantOneLine()
}

// wantOneLine checks that each session has at most one line in the log in addition to those of its
// beginning and its end.
func (s *site) wantOneLine() {
	s.t.Helper()
	lines := map[string]string{}
	for line := range strings.Lines(s.Read(s.t, "error.log")) {
		m := sessionLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[2], "client ") && strings.Contains(m[2], " connected to ") || isEnd(m[2]) {
			continue
		}
		if before, twice := lines[m[1]]; twice {
			s.t.Errorf("the session has two lines:\n%s%s", before, line)
		}
		lines[m[1]] = line
	}
	figure(s.t, "mutated messages", "%d sessions have a line in the log", len(lines))
}

// isEnd reports whether a line is about the end of a session or the connection to a broker.
func isEnd(text string) bool {
	return strings.HasPrefix(text, "client disconnected, bytes from/to client:") ||
		strings.HasPrefix(text, "upstream disconnected, bytes from/to client:") ||
		strings.HasPrefix(text, "proxy 127.0.0.1:")
}
