package realpeers

import (
	"net"
	"net/url"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// pahoClassic is Eclipse Paho for Go before MQTT 5.
type pahoClassic struct {
	protocol byte
}

func (p pahoClassic) level() byte { return p.protocol }

func (p pahoClassic) subscribe(t *testing.T, c call) *session {
	t.Helper()
	client, conn := p.connect(t, c)
	s := &session{from: conn.LocalAddr().String()}
	settle(t, "subscribing", client.Subscribe(c.topic, 1, func(_ paho.Client, m paho.Message) {
		s.add(message{topic: m.Topic(), payload: string(m.Payload()), qos: m.Qos()})
	}))
	s.end = func(*testing.T) { client.Disconnect(quiesce) }
	s.kill = func(t *testing.T) {
		t.Helper()
		cut(t, conn)
		client.Disconnect(1) // sends nothing, but ends paho's goroutines
	}
	return s
}

func (p pahoClassic) publish(t *testing.T, c call) string {
	t.Helper()
	client, conn := p.connect(t, c)
	settle(t, "publishing", client.Publish(c.topic, 1, false, c.payload))
	client.Disconnect(quiesce)
	return conn.LocalAddr().String()
}

// connect returns a client that has received its CONNACK, and its connection.
func (p pahoClassic) connect(t *testing.T, c call) (paho.Client, *net.TCPConn) {
	t.Helper()
	conn, err := dialFrom(c.source, c.addr)
	if err != nil {
		t.Fatal(err)
	}
	opts := paho.NewClientOptions().AddBroker("tcp://" + c.addr).SetClientID(c.id).
		SetProtocolVersion(uint(p.protocol)).SetAutoReconnect(false).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return c.secured(conn), nil })
	if c.will != "" {
		opts.SetWill(c.willTopic, c.will, 1, false)
	}
	client := paho.NewClient(opts)
	settle(t, "connecting", client.Connect())
	return client, conn
}
