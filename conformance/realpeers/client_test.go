package realpeers

import (
	"sync/atomic"
	"testing"

	paho "github.com/eclipse/paho.golang/paho"
)

// client is an MQTT library or program at one protocol version.
type client interface {
	// level is the protocol level in its CONNECT: 3, 4 or 5.
	level() byte
	// subscribe connects with a will, subscribes to c.topic at QoS 1 and returns after its SUBACK.
	subscribe(t *testing.T, c call) *session
	// publish connects, sends c.payload to c.topic at QoS 1, waits for its PUBACK, disconnects, and
	// returns the client's own address in the form of session.from.
	publish(t *testing.T, c call) (from string)
}

// call describes one action of a client.
type call struct {
	addr   string // where to connect
	source string // source IP address
	id     string
	topic  string
	// payload is the message that publish sends.
	payload string
	// will is the payload of the will that subscribe leaves at willTopic.
	willTopic, will string
	// tls is nil without TLS.
	tls *credentials
}

// session is a subscribed client.
type session struct {
	inbox
	from string           // its own host:port, or only the host if the port is unknown
	end  func(*testing.T) // sends DISCONNECT and closes; to be called when one message has arrived
	kill func(*testing.T) // closes without DISCONNECT
	// disconnect is the DISCONNECT that the client has received, of clients that report it.
	disconnect atomic.Pointer[paho.Disconnect]
}

// quiesce is paho's timeout for writing a DISCONNECT, in milliseconds.
const quiesce = 1000

// namedClient is a row of the tables.
type namedClient struct {
	name   string
	client client
}

// clients are all clients under test.
func clients() []namedClient {
	return []namedClient{
		{"mosquitto 3.1", mosquittoClients{"mqttv31", 3}},
		{"mosquitto 3.1.1", mosquittoClients{"mqttv311", 4}},
		{"mosquitto 5", mosquittoClients{"mqttv5", 5}},
		{"MQTT.js 3.1", mqttJS{3}},
		{"MQTT.js 3.1.1", mqttJS{4}},
		{"MQTT.js 5", mqttJS{5}},
		{"paho Go 3.1", pahoClassic{3}},
		{"paho Go 3.1.1", pahoClassic{4}},
		{"paho Go 5", pahoV5{}},
	}
}
