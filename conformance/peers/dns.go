package peers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/net/dns/dnsmessage"
)

// A DNS is a name server on one address, over UDP and TCP. Its answers may be changed while it
// runs. A name without any records does not exist (NXDOMAIN); one with records of other kinds only
// returns an empty answer. Its methods may be called concurrently.
type DNS struct {
	udp     *net.UDPConn
	tcp     net.Listener
	serving sync.WaitGroup
	closing chan struct{}

	mu       sync.Mutex
	records  map[string][]dnsmessage.Resource
	failing  map[string]dnsmessage.RCode
	asked    map[string]int // by "name type"
	overTCP  int
	silent   map[string]bool          // names that get no answer
	held     map[string]chan struct{} // names whose answers over UDP are delayed
	truncate bool
	lame     bool // answers do not offer recursion
	hops     bool // at most one alias in each answer
	forge    bool // forged answers precede the true one
	maker    Maker
	conns    map[net.Conn]bool
}

// A Maker creates the records of one kind for name, for each question; without values the name does
// not exist.
type Maker func(name, kind string) (ttl uint32, values []string)

// StartDNS listens on addr, "HOST:PORT".
func StartDNS(addr string) (*DNS, error) {
	tcp, udp, err := listenDNS(addr)
	for range 10 {
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasSuffix(addr, ":0") {
			break
		}
		tcp, udp, err = listenDNS(addr) // the port chosen for TCP was in use for UDP
	}
	if err != nil {
		return nil, err
	}
	d := &DNS{
		udp: udp, tcp: tcp, closing: make(chan struct{}), records: map[string][]dnsmessage.Resource{}, failing: map[string]dnsmessage.RCode{},
		asked: map[string]int{}, silent: map[string]bool{}, conns: map[net.Conn]bool{}, held: map[string]chan struct{}{},
	}
	d.serving.Go(d.serveUDP)
	d.serving.Go(d.serveTCP)
	return d, nil
}

// listenDNS opens the sockets for TCP and UDP on the same port.
func listenDNS(addr string) (net.Listener, *net.UDPConn, error) {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(tcp.Addr().String())))
	if err != nil {
		tcp.Close()
		return nil, nil, err
	}
	return tcp, udp, nil
}

// Addr returns the address as it is written in a configuration.
func (d *DNS) Addr() string { return d.udp.LocalAddr().String() }

// Close stops the server and waits for it.
func (d *DNS) Close() {
	close(d.closing)
	d.udp.Close()
	d.tcp.Close()
	d.mu.Lock()
	for c := range d.conns {
		c.Close()
	}
	d.mu.Unlock()
	d.serving.Wait()
}

// Set replaces the records of one kind of name: A, AAAA, CNAME, or SRV as "PRIORITY WEIGHT PORT
// TARGET". No values removes them.
func (d *DNS) Set(name, kind string, ttl uint32, values ...string) error {
	made, err := parseRecords(name, kind, ttl, values)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := strings.ToLower(name)
	kept := []dnsmessage.Resource{}
	for _, r := range d.records[key] {
		if r.Header.Type != kinds[kind] {
			kept = append(kept, r)
		}
	}
	d.records[key] = append(kept, made...)
	return nil
}

// Make makes m create the records of names without records. m is called for one question at a time
// and must not call the server's methods.
func (d *DNS) Make(m Maker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.maker = m
}

// Remove makes name nonexistent.
func (d *DNS) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.records, strings.ToLower(name))
}

// Fail answers questions for name with that response code; 0 ends that. "NAME KIND" stands for
// questions of one kind.
func (d *DNS) Fail(name string, code int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing[strings.ToLower(name)] = dnsmessage.RCode(code)
}

// Silence sets whether questions for name get no answer; "" stands for all names, "NAME KIND" for
// questions of one kind.
func (d *DNS) Silence(name string, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent[strings.ToLower(name)] = on
}

// Truncate sets whether answers over UDP are truncated.
func (d *DNS) Truncate(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.truncate = on
}

// Hold delays answers over UDP to questions for name, or "NAME KIND", until release is called.
func (d *DNS) Hold(name string) (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := make(chan struct{})
	d.held[strings.ToLower(name)] = held
	return sync.OnceFunc(func() { close(held) })
}

// Lame sets whether the server neither offers recursion nor is authoritative.
func (d *DNS) Lame(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lame = on
}

// Hops sets whether an answer has at most one alias, so that the next name requires another
// question.
func (d *DNS) Hops(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hops = on
}

// CloseTCP closes the server's TCP listener.
func (d *DNS) CloseTCP() { d.tcp.Close() }

// Forge sets whether forged answers precede each true one over UDP: with another ID, for another
// name, and from another port.
func (d *DNS) Forge(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forge = on
}

// Asked returns the number of questions for name with that kind of record.
func (d *DNS) Asked(name, kind string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[strings.ToLower(name)+" "+kinds[kind].String()]
}

// OverTCP returns the number of questions received over TCP.
func (d *DNS) OverTCP() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.overTCP
}

var kinds = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "SRV": dnsmessage.TypeSRV,
}

func parseRecords(name, kind string, ttl uint32, values []string) ([]dnsmessage.Resource, error) {
	owner, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, err
	}
	var made []dnsmessage.Resource
	for _, v := range values {
		body, err := parseRecord(kind, v)
		if err != nil {
			return nil, err
		}
		head := dnsmessage.ResourceHeader{Name: owner, Type: kinds[kind], Class: dnsmessage.ClassINET, TTL: ttl}
		made = append(made, dnsmessage.Resource{Header: head, Body: body})
	}
	return made, nil
}

func parseRecord(kind, value string) (dnsmessage.ResourceBody, error) {
	switch kind {
	case "A", "AAAA":
		ip, err := netip.ParseAddr(value)
		if err != nil {
			return nil, err
		}
		if kind == "A" {
			return &dnsmessage.AResource{A: ip.As4()}, nil
		}
		return &dnsmessage.AAAAResource{AAAA: ip.As16()}, nil
	case "CNAME":
		name, err := dnsmessage.NewName(value + ".")
		return &dnsmessage.CNAMEResource{CNAME: name}, err
	case "SRV":
		return parseSRV(value)
	}
	return nil, fmt.Errorf("unknown kind of record %q", kind)
}

func parseSRV(value string) (dnsmessage.ResourceBody, error) {
	words := strings.Fields(value)
	if len(words) != 4 {
		return nil, fmt.Errorf("want PRIORITY WEIGHT PORT TARGET, not %q", value)
	}
	var numbers [3]uint16
	for i := range numbers {
		n, err := strconv.ParseUint(words[i], 10, 16)
		if err != nil {
			return nil, err
		}
		numbers[i] = uint16(n)
	}
	target, err := dnsmessage.NewName(words[3] + ".")
	return &dnsmessage.SRVResource{Priority: numbers[0], Weight: numbers[1], Port: numbers[2], Target: target}, err
}

func (d *DNS) serveUDP() {
	buf := make([]byte, 4096)
	for {
		n, from, err := d.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		answer := d.answer(buf[:n], true)
		if answer == nil {
			continue
		}
		held := d.isHeld(answer)
		if held == nil {
			d.sendForged(answer, from)
			d.udp.WriteToUDPAddrPort(answer, from)
			continue
		}
		d.serving.Go(func() {
			select {
			case <-held:
				d.udp.WriteToUDPAddrPort(answer, from)
			case <-d.closing:
			}
		})
	}
}

// isHeld returns the channel that an answer must wait for, or nil.
func (d *DNS) isHeld(answer []byte) <-chan struct{} {
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(m.Questions[0].Name.String(), "."))
	d.mu.Lock()
	defer d.mu.Unlock()
	if held, ok := d.held[name]; ok {
		return held
	}
	return d.held[withKind(name, m.Questions[0].Type)]
}

// sendForged sends answers that a resolver must not accept.
func (d *DNS) sendForged(answer []byte, to netip.AddrPort) {
	d.mu.Lock()
	forge := d.forge
	d.mu.Unlock()
	if !forge {
		return
	}
	lie := func(change func(m *dnsmessage.Message)) []byte {
		var m dnsmessage.Message
		m.Unpack(answer)
		for i := range m.Answers {
			if a, ok := m.Answers[i].Body.(*dnsmessage.AResource); ok {
				m.Answers[i].Body = &dnsmessage.AResource{A: [4]byte{127, 6, a.A[2], a.A[3]}}
			}
		}
		change(&m)
		raw, _ := m.Pack()
		return raw
	}
	d.udp.WriteToUDPAddrPort(lie(func(m *dnsmessage.Message) { m.ID++ }), to)
	d.udp.WriteToUDPAddrPort(lie(func(m *dnsmessage.Message) { m.Response = false }), to)
	d.udp.WriteToUDPAddrPort(lie(func(m *dnsmessage.Message) {
		m.Questions[0].Name = dnsmessage.MustNewName("other.example.")
	}), to)
	if stranger, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to)); err == nil {
		stranger.Write(lie(func(*dnsmessage.Message) {}))
		stranger.Close()
	}
}

func (d *DNS) serveTCP() {
	for {
		c, err := d.tcp.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.conns[c] = true
		d.mu.Unlock()
		d.serving.Go(func() { d.serveConn(c) })
	}
}

func (d *DNS) serveConn(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		if answer := d.answer(question, false); answer != nil {
			c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}
	}
}

// answer returns the message that answers question, or nil for no answer.
func (d *DNS) answer(question []byte, udp bool) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(asked.Name.String(), "."))
	d.asked[name+" "+asked.Type.String()]++
	if !udp {
		d.overTCP++
	}
	if d.silent[""] || d.silent[name] || d.silent[withKind(name, asked.Type)] {
		return nil
	}
	m.Response, m.RecursionAvailable = true, !d.lame
	d.fill(&m, name, asked.Type)
	if udp && d.truncate {
		m.Truncated, m.Answers = true, nil
	}
	raw, err := m.Pack()
	if err != nil {
		return nil
	}
	return raw
}

// withKind returns the key of a question as in Fail and Silence.
func withKind(name string, kind dnsmessage.Type) string {
	return name + " " + strings.ToLower(strings.TrimPrefix(kind.String(), "Type"))
}

// maxChain is the maximum number of aliases in one answer.
const maxChain = 8

// fill adds the records for name to m and follows aliases.
func (d *DNS) fill(m *dnsmessage.Message, name string, kind dnsmessage.Type) {
	if m.RCode = max(d.failing[name], d.failing[withKind(name, kind)]); m.RCode != dnsmessage.RCodeSuccess {
		return
	}
	records, known := d.records[name]
	if !known {
		records = d.makeRecords(name, kind)
	}
	if records == nil {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	for range maxChain {
		next := ""
		for _, r := range records {
			if alias, ok := r.Body.(*dnsmessage.CNAMEResource); ok {
				next = strings.ToLower(strings.TrimSuffix(alias.CNAME.String(), "."))
			} else if r.Header.Type != kind {
				continue
			}
			m.Answers = append(m.Answers, r)
		}
		if records = d.records[next]; records == nil || d.hops {
			return
		}
	}
}

// makeRecords returns the records created by the Maker for a question.
func (d *DNS) makeRecords(name string, kind dnsmessage.Type) []dnsmessage.Resource {
	if d.maker == nil {
		return nil
	}
	text := strings.TrimPrefix(kind.String(), "Type")
	ttl, values := d.maker(name, text)
	records, err := parseRecords(name, text, ttl, values)
	if err != nil {
		return nil
	}
	return records
}
