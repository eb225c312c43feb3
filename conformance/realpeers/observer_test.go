package realpeers

import (
	"net"
	"net/url"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"weir/conformance/program"
)

// observer is a client connected to one broker directly: it receives every message there, including
// wills, and can send messages.
type observer struct {
	inbox
	client paho.Client
}

// observe connects an observer for the duration of the test.
func observe(t *testing.T, addr string, proxied bool) *observer {
	t.Helper()
	o := new(observer)
	dial := dialFrom
	if proxied {
		dial = dialProxied
	}
	opts := paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("observer").
		SetProtocolVersion(4).SetAutoReconnect(false).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
			return dial("127.0.0.1", addr)
		})
	o.client = paho.NewClient(opts)
	settle(t, "connecting the observer", o.client.Connect())
	t.Cleanup(func() { o.client.Disconnect(quiesce) })
	settle(t, "subscribing the observer", o.client.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		o.add(message{topic: m.Topic(), payload: string(m.Payload()), qos: m.Qos()})
	}))
	return o
}

// publish sends a message at QoS 1 and waits for its PUBACK.
func (o *observer) publish(t *testing.T, topic, payload string) {
	t.Helper()
	settle(t, "publishing "+topic, o.client.Publish(topic, 1, false, payload))
}

// settle waits for token and fails the test if it failed.
func settle(t *testing.T, what string, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(program.Patience) {
		t.Fatalf("%s: no answer within %v", what, program.Patience)
	}
	if err := token.Error(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
