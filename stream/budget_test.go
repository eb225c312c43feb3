package stream_test

import (
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"weir/internal/errorlog"
	"weir/internal/logescape"
	"weir/internal/logfile"
	"weir/internal/race"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/modules/accesslog"
	"weir/stream/modules/mqttpreread"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// connectPacket is a CONNECT of client mqttx_1 with user name ann.
const connectPacket = "\x10\x18\x00\x04MQTT\x04\x82\x00\x3c\x00\x07mqttx_1\x00\x03ann"

// A plant serves sessions like a configuration with mqtt_preread, a consistent hash, the PROXY
// protocol and an access log.
type plant struct {
	listen *stream.Listen
	env    *stream.Env
	client stream.Client
}

func newPlant(t testing.TB) *plant {
	t.Helper()
	config := stream.NewConfig()
	for _, v := range append(mqttpreread.Variables(), upstream.Variables()...) {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	server := &stream.Server{
		Content: &proxy.Content{
			To: proxy.Destination{Group: brokers(t, config.Vars)}, ConnectTimeout: time.Minute, NextUpstream: true, Protocol: proxy.V1,
			Relay: &relay.Spec{Timeout: time.Minute, BufferSize: 4096},
		},
		Loggers: []stream.Logger{&accesslog.Logger{Format: logFormat(t, config.Vars), To: logTarget(t, config)}},
		Settings: stream.Settings{
			PrereadBufferSize: 16384, PrereadTimeout: 30 * time.Second, ErrorLog: errorlog.New(time.Now, 1),
		},
	}
	server.Handlers[stream.Preread] = []stream.Handler{mqttpreread.Handler{}}
	config.Vars.Resolve()
	addr := stream.Addr{IP: netip.MustParseAddrPort("192.0.2.100:1883")}
	env, _ := offline.NewEnv(offline.NewClock().Now)
	return &plant{
		&stream.Listen{Config: config, Addr: addr, Default: server}, env,
		stream.Client{Addr: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:1000")}, Local: &addr},
	}
}

// brokers returns a group of three servers.
func brokers(t testing.TB, vars *stream.VarTable) *upstream.Group {
	t.Helper()
	key, err := stream.ParseTemplate("$mqtt_preread_clientid", vars)
	if err != nil {
		t.Fatal(err)
	}
	var peers []*upstream.PeerConf
	for port := range uint16(3) {
		a := drivertest.Loopback(7001 + port)
		peers = append(peers, &upstream.PeerConf{Server: a.String(), Name: a.String(), Addr: a, Weight: 1, MaxFails: 1, FailTimeout: time.Second})
	}
	return upstream.NewGroup("brokers", peers, upstream.Consistent(key))
}

func logFormat(t testing.TB, vars *stream.VarTable) *accesslog.Format {
	t.Helper()
	f, err := accesslog.ParseFormat([]string{
		"$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time ",
		`"$upstream_addr" "$mqtt_preread_clientid" "$mqtt_preread_username"`,
	}, logescape.Default, vars)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func logTarget(t testing.TB, config *stream.Config) accesslog.Target {
	t.Helper()
	file := config.Files.Get(filepath.Join(t.TempDir(), "access.log"))
	if err := config.Files.Open(logfile.OpenAppend); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(config.Files.Close)
	return accesslog.File(file)
}

// relaying returns a new session that has reached the relay.
func (p *plant) relaying(packet []byte) *stream.Session {
	s := stream.NewSession(p.listen, p.env, p.client, nil)
	s.Advance(stream.Event{Kind: stream.Accepted})
	s.Advance(stream.Event{Kind: stream.Bytes, Data: packet})
	if step := s.Advance(stream.Event{Kind: stream.Connected}); step.Do != stream.Relay {
		panic("the session is not being relayed")
	}
	return s
}

// TestSessionBudget limits the allocations of a session from accept to log, without the driver's.
func TestSessionBudget(t *testing.T) {
	const budget = 10
	p := newPlant(t)
	packet := []byte(connectPacket)
	n := testing.AllocsPerRun(200, func() {
		p.relaying(packet).Advance(stream.Event{Kind: stream.Relayed})
	})
	t.Logf("%.0f allocations for a session", n)
	if n > budget && !race.Enabled {
		t.Errorf("got %.0f allocations for a session, want at most %d", n, budget)
	}
}

// TestRelayingBudget limits the memory that a session keeps during the relay.
func TestRelayingBudget(t *testing.T) {
	const sessions, bytes, objects = 5000, 700, 7.5
	p := newPlant(t)
	packet := []byte(connectPacket)
	p.relaying(packet).Advance(stream.Event{Kind: stream.Relayed})
	all := make([]*stream.Session, sessions)
	before := heap()
	for i := range all {
		all[i] = p.relaying(packet)
	}
	after := heap()
	kept := float64(after.HeapAlloc-before.HeapAlloc) / sessions
	count := float64(after.HeapObjects-before.HeapObjects) / sessions
	t.Logf("a relaying session keeps %.0f bytes in %.1f objects; a Session alone is %d bytes", kept, count, unsafe.Sizeof(stream.Session{}))
	if (kept > bytes || count > objects) && !race.Enabled {
		t.Errorf("got %.0f bytes in %.1f objects, want at most %d in %.0f", kept, count, bytes, objects)
	}
	runtime.KeepAlive(all)
}

func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// TestLogLineBudget checks that a log line of core variables does not allocate.
func TestLogLineBudget(t *testing.T) {
	const budget = 0
	config := stream.NewConfig()
	var use []int
	for _, name := range []string{
		"bytes_received", "bytes_sent", "msec", "remote_addr", "protocol", "session_time", "status", "time_iso8601", "time_local", "connection",
	} {
		use = append(use, config.Vars.Index(name))
	}
	config.Vars.Resolve()
	l := listener()
	l.Config = config
	s := offline.NewSession(t, l)
	room := make([]byte, 0, 1024)
	line := func() {
		b := room
		for _, i := range use {
			b, _ = s.AppendValue(b, i)
		}
	}
	n := testing.AllocsPerRun(200, line)
	t.Logf("%.0f allocations for a line", n)
	if n > budget && !race.Enabled {
		t.Errorf("got %.0f allocations for a line, want at most %d", n, budget)
	}
}
