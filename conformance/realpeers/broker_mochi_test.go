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
	if err := s.AddHook(&recordingHook{record: r}, nil); err != nil {
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

// recordingHook is the hook that accepts all clients and keeps the record.
type recordingHook struct {
	mqtt.HookBase
	record *record
}

// ID names the hook.
func (s *recordingHook) ID() string { return "recording-hook" }

// Provides reports whether the hook handles event.
func (s *recordingHook) Provides(event byte) bool {
	switch event {
	case mqtt.OnConnect, mqtt.OnDisconnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck:
		return true
	}
	return false
}

// OnConnect records a session.
func (s *recordingHook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	header := cl.Net.Conn.(*proxyproto.Conn).ProxyHeader()
	s.record.connected(cl.ID, cl.Net.Remote, header.Version)
	return nil
}

// OnDisconnect records the end of the session; err is nil after a DISCONNECT.
func (s *recordingHook) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	s.record.disconnected(err == nil, byAddress(cl.Net.Remote))
}

// OnConnectAuthenticate accepts every client.
func (s *recordingHook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck allows all reads and writes.
func (s *recordingHook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }
