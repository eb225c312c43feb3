package examples_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/pires/go-proxyproto"
)

// broker is an MQTT broker in this process that records its clients.
type broker struct {
	mqtt.HookBase
	addr string

	mu      sync.Mutex
	clients map[string]string // address by identifier
}

// brokerOptions describe the brokers that an example needs.
type brokerOptions struct {
	count    int
	header   bool        // require a PROXY header
	tls      *tls.Config // nil disables TLS
	samePort bool        // each broker has its own address, and all have one port
	fixed    bool        // the addresses are those of the examples
}

// startBrokers starts brokers that end with the test.
func startBrokers(t *testing.T, o brokerOptions) []*broker {
	t.Helper()
	var all []*broker
	for i, l := range listenAll(t, o) {
		b := &broker{addr: l.Addr().String(), clients: map[string]string{}}
		if o.header {
			l = &proxyproto.Listener{
				Listener: l, ReadHeaderTimeout: patience,
				ConnPolicy: func(proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) { return proxyproto.REQUIRE, nil },
			}
		}
		if o.tls != nil {
			l = tls.NewListener(l, o.tls)
		}
		server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
		err := errors.Join(server.AddHook(b, nil), server.AddListener(listeners.NewNet(fmt.Sprint("broker", i), l)))
		if err == nil {
			err = server.Serve()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		all = append(all, b)
	}
	return all
}

// listenAll opens the listeners of the brokers.
func listenAll(t *testing.T, o brokerOptions) (all []net.Listener) {
	t.Helper()
	for len(all) < o.count {
		host, port := "127.0.0.1", "0"
		if o.samePort && len(all) > 0 {
			host = fmt.Sprintf("127.0.0.%d", 1+len(all))
			_, port, _ = net.SplitHostPort(all[0].Addr().String())
		}
		if o.fixed {
			host, port = fmt.Sprintf("192.0.2.%d", 11+len(all)), "1883"
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		switch {
		case errors.Is(err, syscall.EADDRINUSE) && len(all) > 0: // retry with another port
			for _, opened := range all {
				opened.Close()
			}
			all = nil
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, l)
		}
	}
	return all
}

// ID returns the name of the hook.
func (b *broker) ID() string { return "record" }

// Provides reports whether the hook handles the event.
func (b *broker) Provides(event byte) bool {
	return event == mqtt.OnConnect || event == mqtt.OnConnectAuthenticate || event == mqtt.OnACLCheck
}

// OnConnect records the client.
func (b *broker) OnConnect(client *mqtt.Client, _ packets.Packet) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients[client.ID] = client.Net.Remote
	return nil
}

// OnConnectAuthenticate accepts every client.
func (b *broker) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck allows every topic.
func (b *broker) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// seen returns the address of a client; empty if the client is unknown.
func (b *broker) seen(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clients[id]
}

// brokersOf lists the brokers that a client has reached.
func brokersOf(id string, brokers []*broker) (homes []*broker) {
	for _, b := range brokers {
		if b.seen(id) != "" {
			homes = append(homes, b)
		}
	}
	return homes
}

// greet sends an MQTT CONNECT and waits for a CONNACK that accepts it.
func greet(t *testing.T, conn net.Conn, id string) {
	t.Helper()
	if err := tryGreet(conn, id); err != nil {
		t.Fatalf("client %s: %v", id, err)
	}
}

func tryGreet(conn net.Conn, id string) error {
	conn.SetDeadline(time.Now().Add(patience))
	body := "\x00\x04MQTT\x04\x02\x00\x3c" + string([]byte{0, byte(len(id))}) + id
	if _, err := io.Copy(conn, strings.NewReader("\x10"+string(rune(len(body)))+body)); err != nil {
		return err
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(bufio.NewReader(conn), answer); err != nil {
		return err
	}
	if want := []byte{0x20, 2, 0, 0}; !bytes.Equal(answer, want) {
		return fmt.Errorf("got % x, want % x", answer, want)
	}
	return nil
}
