package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// star is the client that the show follows by name.
	star = "mqttx_client1"
	// atOnce limits how many clients connect at the same time.
	atOnce = 32
	// answerTimeout is the timeout for a CONNACK: longer than proxy_connect_timeout of nginx.conf.
	answerTimeout = 10 * time.Second
	// quiesce is a client's timeout for writing its DISCONNECT, in milliseconds.
	quiesce = 250
)

// member is one MQTT client of the fleet.
type member struct {
	id     string
	host   byte        // last byte of its source addresses
	client paho.Client // nil before the first connect
	from   string      // own address of the latest connection
}

// fleet connects members to weir. A member is used by one goroutine at a time.
type fleet struct {
	proxy   string // weir's address
	members []*member
	round   int // number of times members were connected; each round has its own source addresses
}

// newFleet returns n members, the first of them the star, that will connect to proxy.
func newFleet(proxy string, n int) *fleet {
	f := &fleet{proxy: proxy}
	for i := range n {
		id := star
		if i > 0 {
			id = fmt.Sprintf("device-%04d", i)
		}
		f.members = append(f.members, &member{id: id, host: byte(1 + i%250)})
	}
	return f
}

// connect closes the connections of ms and opens new ones from addresses 127.0.ROUND.HOST that the
// previous round did not use.
func (f *fleet) connect(ctx context.Context, ms []*member) error {
	f.round++
	subnet := byte(1 + f.round%250)
	work := make(chan *member)
	var workers sync.WaitGroup
	var errs errorList
	for range min(atOnce, len(ms)) {
		workers.Go(func() {
			for m := range work {
				m.disconnect()
				errs.add(m.dial(f.proxy, net.IPv4(127, 0, subnet, m.host)))
			}
		})
	}
	sendAll(ctx, ms, work)
	workers.Wait()
	return errors.Join(ctx.Err(), errs.first())
}

// sendAll sends ms to work until all are sent or ctx ends, and closes work.
func sendAll(ctx context.Context, ms []*member, work chan<- *member) {
	defer close(work)
	for _, m := range ms {
		select {
		case work <- m:
		case <-ctx.Done():
			return
		}
	}
}

// disconnect closes all connections of the fleet.
func (f *fleet) disconnect() {
	var all sync.WaitGroup
	for _, m := range f.members {
		all.Go(m.disconnect)
	}
	all.Wait()
}

// disconnect sends DISCONNECT, if the member is connected.
func (m *member) disconnect() {
	if m.client != nil && m.client.IsConnectionOpen() {
		m.client.Disconnect(quiesce)
	}
}

// connected reports whether the member is connected.
func (m *member) connected() bool {
	return m.client != nil && m.client.IsConnectionOpen()
}

// dial connects to proxy from the given source address and waits for the CONNACK.
func (m *member) dial(proxy string, source net.IP) error {
	dialer := net.Dialer{Timeout: answerTimeout, LocalAddr: &net.TCPAddr{IP: source}}
	opts := paho.NewClientOptions().AddBroker("tcp://" + proxy).SetClientID(m.id).
		SetProtocolVersion(4).SetAutoReconnect(false).SetConnectTimeout(answerTimeout).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
			conn, err := dialer.Dial("tcp", proxy)
			if err == nil {
				m.from = conn.LocalAddr().String()
			}
			return conn, err
		})
	m.client = paho.NewClient(opts)
	token := m.client.Connect()
	if !token.WaitTimeout(answerTimeout) {
		return fmt.Errorf("client %s: no CONNACK within %v", m.id, answerTimeout)
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("client %s: %w", m.id, err)
	}
	return nil
}

// errorList keeps the first error of many goroutines. The zero value is empty.
type errorList struct {
	mu  sync.Mutex
	err error
	n   int
}

// add counts err unless it is nil.
func (l *errorList) add(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n++; l.n == 1 {
		l.err = err
	}
}

// first returns the first error, with the number of all if there are more.
func (l *errorList) first() error {
	if l.n < 2 {
		return l.err
	}
	return fmt.Errorf("%d clients failed, the first: %w", l.n, l.err)
}
