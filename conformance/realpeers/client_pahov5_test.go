package realpeers

import (
	"context"
	"net"
	"testing"

	paho "github.com/eclipse/paho.golang/paho"

	"weir/conformance/program"
)

// pahoV5 is Eclipse Paho for Go with MQTT 5.
type pahoV5 struct{}

func (pahoV5) level() byte { return 5 }

func (p pahoV5) subscribe(t *testing.T, c call) *session {
	t.Helper()
	s := new(session)
	client, conn := p.connect(t, c, s)
	s.from = conn.LocalAddr().String()
	filter := paho.SubscribeOptions{Topic: c.topic, QoS: 1}
	if _, err := client.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{filter}}); err != nil {
		t.Fatal(err)
	}
	s.end = func(t *testing.T) {
		t.Helper()
		p.disconnect(t, client)
	}
	s.kill = func(t *testing.T) {
		t.Helper()
		cut(t, conn)
		<-client.Done()
	}
	return s
}

func (p pahoV5) publish(t *testing.T, c call) string {
	t.Helper()
	client, conn := p.connect(t, c, new(session))
	if _, err := client.Publish(t.Context(), &paho.Publish{Topic: c.topic, QoS: 1, Payload: []byte(c.payload)}); err != nil {
		t.Fatal(err)
	}
	p.disconnect(t, client)
	return conn.LocalAddr().String()
}

// disconnect ends the client with a DISCONNECT.
func (pahoV5) disconnect(t *testing.T, client *paho.Client) {
	t.Helper()
	if err := client.Disconnect(&paho.Disconnect{}); err != nil {
		t.Error(err)
	}
	<-client.Done()
}

// connect returns a client that has received its CONNACK and delivers its messages to s, and its
// connection.
func (pahoV5) connect(t *testing.T, c call, s *session) (*paho.Client, *net.TCPConn) {
	t.Helper()
	conn, err := dialFrom(c.source, c.addr)
	if err != nil {
		t.Fatal(err)
	}
	client := paho.NewClient(paho.ClientConfig{
		Conn: c.secured(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			s.add(message{topic: r.Packet.Topic, payload: string(r.Packet.Payload), qos: r.Packet.QoS})
			return true, nil
		}},
		OnServerDisconnect: func(d *paho.Disconnect) { s.disconnect.Store(d) },
	})
	connect := &paho.Connect{ClientID: c.id, CleanStart: true, KeepAlive: 30}
	if c.will != "" {
		connect.WillMessage = &paho.WillMessage{Topic: c.willTopic, Payload: []byte(c.will), QoS: 1}
	}
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	if _, err := client.Connect(ctx, connect); err != nil {
		t.Fatal(err)
	}
	return client, conn
}
