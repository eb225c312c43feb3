package main

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/pires/go-proxyproto"
)

// headerTimeout is how long a broker waits for the PROXY header, which weir sends before anything else.
const headerTimeout = 2 * time.Second

// broker is one embedded MQTT broker that takes connections only with a PROXY header. Start and stop may
// alternate; they must not be called at the same time.
type broker struct {
	addr   string
	ledger *ledger
	server *mqtt.Server
}

// start listens on the broker's address and serves until stop.
func (b *broker) start() error {
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		return err
	}
	b.server = mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := b.furnish(l); err != nil {
		l.Close()
		return fmt.Errorf("broker %s: %w", b.addr, err)
	}
	return b.server.Serve()
}

// furnish gives the new server its hook and its listener.
func (b *broker) furnish(l net.Listener) error {
	if err := b.server.AddHook(&doorman{broker: b.addr, ledger: b.ledger}, nil); err != nil {
		return err
	}
	return b.server.AddListener(listeners.NewNet(b.addr, &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: headerTimeout,
		ConnPolicy: func(proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			return proxyproto.REQUIRE, nil
		},
	}))
}

// stop cuts the clients off and frees the port. A broker that does not run is left as it is.
func (b *broker) stop() error {
	if b.server == nil {
		return nil
	}
	s := b.server
	b.server = nil
	return s.Close()
}

// doorman is the broker's hook that lets everyone in and writes every client into the ledger, before the client
// gets its CONNACK.
type doorman struct {
	mqtt.HookBase
	broker string
	ledger *ledger
}

// ID names the hook in the broker's own log.
func (d *doorman) ID() string { return "doorman" }

// Provides reports whether the hook wants to be asked at event.
func (d *doorman) Provides(event byte) bool {
	return event == mqtt.OnConnect || event == mqtt.OnConnectAuthenticate || event == mqtt.OnACLCheck
}

// OnConnect records who came, and from where.
func (d *doorman) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	d.ledger.record(visit{client: cl.ID, broker: d.broker, from: cl.Net.Remote})
	return nil
}

// OnConnectAuthenticate reports that the client may connect, whoever it is.
func (d *doorman) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck reports that the client may use the topic.
func (d *doorman) OnACLCheck(*mqtt.Client, string, bool) bool { return true }
