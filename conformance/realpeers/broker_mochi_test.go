package realpeers

import (
	"log/slog"
	"net"
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/pires/go-proxyproto"
)

// startMochi runs an embedded broker with a go-proxyproto listener.
func startMochi(t *testing.T) *broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := new(record)
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := s.AddHook(&scribe{record: r}, nil); err != nil {
		t.Fatal(err)
	}
	pl := &proxyproto.Listener{Listener: l, ReadHeaderTimeout: headerTimeout, ConnPolicy: requireHeader}
	if err := s.AddListener(listeners.NewNet("mqtt", pl)); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return newBroker(t, "mochi", l.Addr().String(), true, r)
}

// scribe is the hook that accepts all clients and keeps the record.
type scribe struct {
	mqtt.HookBase
	record *record
}

// ID names the hook.
func (s *scribe) ID() string { return "scribe" }

// Provides reports whether the hook handles event.
func (s *scribe) Provides(event byte) bool {
	switch event {
	case mqtt.OnConnect, mqtt.OnDisconnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck:
		return true
	}
	return false
}

// OnConnect records a meeting.
func (s *scribe) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	header := cl.Net.Conn.(*proxyproto.Conn).ProxyHeader()
	s.record.met(cl.ID, cl.Net.Remote, header.Version)
	return nil
}

// OnDisconnect records the end of the meeting; err is nil after a DISCONNECT.
func (s *scribe) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	s.record.left(err == nil, byAddress(cl.Net.Remote))
}

// OnConnectAuthenticate accepts every client.
func (s *scribe) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck allows all reads and writes.
func (s *scribe) OnACLCheck(*mqtt.Client, string, bool) bool { return true }
