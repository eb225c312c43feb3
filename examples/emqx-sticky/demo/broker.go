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

// headerTimeout is the broker's timeout for the PROXY header, which weir sends first.
const headerTimeout = 2 * time.Second

// broker is one embedded MQTT broker that requires a PROXY header. Start and stop may alternate;
// they must not be called at the same time.
type broker struct {
	addr   string
	visits *visitLog
	server *mqtt.Server
}

// start listens on the broker's address and serves until stop.
func (b *broker) start() error {
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		return err
	}
	b.server = mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := b.addHookAndListener(l); err != nil {
		l.Close()
		return fmt.Errorf("broker %s: %w", b.addr, err)
	}
	return b.server.Serve()
}

// addHookAndListener adds the hook and the listener to the new server.
func (b *broker) addHookAndListener(l net.Listener) error {
	if err := b.server.AddHook(&recordingHook{broker: b.addr, visits: b.visits}, nil); err != nil {
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

// stop disconnects the clients and releases the port. It does nothing if the broker is not running.
func (b *broker) stop() error {
	if b.server == nil {
		return nil
	}
	s := b.server
	b.server = nil
	return s.Close()
}

// recordingHook is the broker's hook that accepts every client and records it in the visit log, before the
// client gets its CONNACK.
type recordingHook struct {
	mqtt.HookBase
	broker string
	visits *visitLog
}

// ID returns the hook's name in the broker's own log.
func (d *recordingHook) ID() string { return "recording-hook" }

// Provides reports whether the hook handles event.
func (d *recordingHook) Provides(event byte) bool {
	return event == mqtt.OnConnect || event == mqtt.OnConnectAuthenticate || event == mqtt.OnACLCheck
}

// OnConnect records the client and its address.
func (d *recordingHook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	d.visits.record(visit{client: cl.ID, broker: d.broker, from: cl.Net.Remote})
	return nil
}

// OnConnectAuthenticate accepts every client.
func (d *recordingHook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck allows every topic.
func (d *recordingHook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }
