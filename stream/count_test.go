package stream_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"

	"weir/stream"
	"weir/stream/offline"
	"weir/stream/status"
)

// finished is a snapshot of a zone with finished sessions.
func finished(connections, class2xx, class4xx, class5xx, discarded int64) status.ServerZoneSnapshot {
	return status.ServerZoneSnapshot{
		Connections: connections, Discarded: discarded,
		Sessions: status.Sessions{Class2xx: class2xx, Class4xx: class4xx, Class5xx: class5xx, Total: class2xx + class4xx + class5xx},
	}
}

func checkZone(t *testing.T, z *status.ServerZone, want status.ServerZoneSnapshot) {
	t.Helper()
	got := z.Snapshot()
	got.TLS = nil
	if got != want {
		t.Errorf("zone %s: got %+v, want %+v", z.Name, got, want)
	}
}

func TestZoneCountsSessions(t *testing.T) {
	proxied := func(l *stream.Listen) { l.ProxyProtocol = true }
	denied := func(l *stream.Listen) {
		l.Default.Handlers[stream.Access] = []stream.Handler{wanting(0, stream.Verdict(stream.StatusForbidden))}
	}
	prereading := func(l *stream.Listen) { l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(4, stream.Done)} }
	datagrams := func(l *stream.Listen) { l.Addr = udpListener().Addr }
	tests := []struct {
		name   string
		change func(*stream.Listen)
		script string
		want   status.ServerZoneSnapshot
	}{
		{"served", func(*stream.Listen) {}, `accepted -> send ""
			relayed -> finish`, finished(1, 1, 0, 0, 0)},
		{"denied", denied, `accepted -> finish`, finished(1, 0, 1, 0, 0)},
		{"without content", func(l *stream.Listen) { l.Default.Content = nil }, `accepted -> finish`, finished(1, 0, 0, 1, 0)},
		{"panic", func(l *stream.Listen) { l.Default.Content = broken{} }, `accepted -> finish reset`, finished(1, 0, 0, 1, 0)},
		{"no PROXY header", proxied, `accepted -> read max=4096 within=20s
			bytes "GET / HTTP/1.1\r\n\r\n" -> finish reset`, finished(1, 0, 0, 0, 1)},
		{"ended before the PROXY header", proxied, `accepted -> read max=4096 within=20s
			eof -> finish`, finished(1, 0, 0, 0, 1)},
		{"PROXY header too late", proxied, `accepted -> read max=4096 within=20s
			timedout -> finish`, finished(1, 0, 0, 0, 1)},
		{"ended in preread", prereading, `accepted -> read max=8 within=30s
			eof -> finish`, finished(1, 0, 0, 0, 1)},
		{"shut down in preread", prereading, `accepted -> read max=8 within=30s
			aborted -> finish`, finished(1, 0, 0, 0, 1)},
		{"too much in preread", func(l *stream.Listen) {
			l.Default.Handlers[stream.Preread] = []stream.Handler{wanting(100, stream.Done)}
		}, `accepted -> read max=8 within=30s
			bytes "12345678" -> finish reset`, finished(1, 0, 1, 0, 0)},
		{"datagram", datagrams, `accepted "abc" -> send "abc"
			relayed -> finish reset`, func() status.ServerZoneSnapshot {
			s := finished(1, 1, 0, 0, 0)
			s.Received = 3
			return s
		}()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listener()
			tt.change(l)
			zone := status.NewServerZone("z")
			l.Default.Zone = zone
			s := offline.NewSession(t, l)
			offline.Script(t, s, tt.script)
			checkZone(t, zone, tt.want)
		})
	}
}

// TestZoneWhileServed checks what a session counts before it ends.
func TestZoneWhileServed(t *testing.T) {
	l := listener()
	zone := status.NewServerZone("z")
	l.Default.Zone = zone
	s := offline.NewSession(t, l)
	checkZone(t, zone, status.ServerZoneSnapshot{})
	s.Advance(stream.Event{Kind: stream.Accepted})
	checkZone(t, zone, status.ServerZoneSnapshot{Processing: 1, Connections: 1})
	s.CountFromClient(5)
	s.CountToClient(7)
	checkZone(t, zone, status.ServerZoneSnapshot{Processing: 1, Connections: 1, Received: 5, Sent: 7})
	zone.Reset()
	checkZone(t, zone, status.ServerZoneSnapshot{Processing: 1})
	s.Advance(stream.Event{Kind: stream.Relayed})
	checkZone(t, zone, finished(0, 1, 0, 0, 0))
}

// TestEventAfterFinishIsNotCounted checks that a session leaves its zone once.
func TestEventAfterFinishIsNotCounted(t *testing.T) {
	l := listener()
	l.Default.Content, l.Default.Zone = nil, status.NewServerZone("z")
	s := offline.NewSession(t, l)
	offline.Script(t, s, `
		accepted -> finish
		eof      -> finish reset`)
	checkZone(t, l.Default.Zone, finished(1, 0, 0, 1, 0))
}

// TestZoneOfPassedSession checks that a session counts in both zones when it is passed to another
// address.
func TestZoneOfPassedSession(t *testing.T) {
	first, second := listener(), listener()
	first.Default.Zone, second.Default.Zone = status.NewServerZone("first"), status.NewServerZone("second")
	s := offline.NewSession(t, first)
	second.Config, second.Addr, second.Default.Settings = first.Config, first.Addr, first.Default.Settings
	s.Advance(stream.Event{Kind: stream.Accepted})
	s.Arrive(second, s.Client.Local)
	checkZone(t, first.Default.Zone, finished(1, 1, 0, 0, 0))
	checkZone(t, second.Default.Zone, status.ServerZoneSnapshot{})
	s.Advance(stream.Event{Kind: stream.Accepted})
	checkZone(t, second.Default.Zone, status.ServerZoneSnapshot{Processing: 1, Connections: 1})
	s.Advance(stream.Event{Kind: stream.Relayed})
	checkZone(t, second.Default.Zone, finished(1, 1, 0, 0, 0))
}

// zonedTLS returns an address with TLS and two servers in zones of their own, and the counters of
// the process.
func zonedTLS(t *testing.T) (l *stream.Listen, zone, otherZone *status.ServerZone) {
	t.Helper()
	l, other := tlsListener(t)
	zone, otherZone = status.NewServerZone("default"), status.NewServerZone("other")
	zone.CountTLS()
	otherZone.CountTLS()
	l.Default.Zone, other.Zone = zone, otherZone
	return l, zone, otherZone
}

func checkTLS(t *testing.T, z *status.ServerZone, want status.TLSSnapshot) {
	t.Helper()
	if got := z.TLS().Snapshot(); got != want {
		t.Errorf("zone %s: got %+v, want %+v", z.Name, got, want)
	}
}

// TestZoneOfRequestedName checks that a session counts in the zone of the server that the client's
// name selects, and while the name is unknown only as being processed.
func TestZoneOfRequestedName(t *testing.T) {
	l, zone, otherZone := zonedTLS(t)
	s, step := connected(t, l)
	process := status.NewProcess()
	s.Env.Status = process
	checkZone(t, zone, status.ServerZoneSnapshot{Processing: 1})
	step = shakeHands(t, s, step, &tls.Config{ServerName: "other", InsecureSkipVerify: true})
	checkZone(t, zone, status.ServerZoneSnapshot{})
	checkZone(t, otherZone, status.ServerZoneSnapshot{Processing: 1, Connections: 1})
	checkTLS(t, otherZone, status.TLSSnapshot{Handshakes: 1})
	if got := process.TLS.Snapshot(); got != (status.TLSSnapshot{Handshakes: 1}) {
		t.Errorf("got %+v for the process", got)
	}
	finish(t, s, step)
	checkZone(t, otherZone, finished(1, 1, 0, 0, 0))
}

// TestZoneCountsFailedHandshakes checks the counters of handshakes that fail, by their cause.
func TestZoneCountsFailedHandshakes(t *testing.T) {
	tests := []struct {
		name   string
		server func(*tls.Config)
		client *tls.Config
		want   status.TLSSnapshot
	}{
		{"unknown authority", nil, &tls.Config{ServerName: "default", RootCAs: x509.NewCertPool()}, status.TLSSnapshot{HandshakesFailed: 1, PeerRejectedCert: 1}},
		{"no common protocol", func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
			&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}, status.TLSSnapshot{HandshakesFailed: 1, NoCommonProtocol: 1}},
		{"no common cipher", func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256} },
			&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
			status.TLSSnapshot{HandshakesFailed: 1, NoCommonCipher: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, zone, _ := zonedTLS(t)
			if tt.server != nil {
				tt.server(l.Default.TLS.Config)
			}
			s, step := connected(t, l)
			if step = shakeHands(t, s, step, tt.client); step.Do != stream.Finish {
				t.Fatalf("got step %v, want the end", step.Do)
			}
			checkTLS(t, zone, tt.want)
			checkZone(t, zone, finished(1, 0, 0, 0, 1))
		})
	}
}

func TestZoneCountsHandshakeTimeout(t *testing.T) {
	l, zone, _ := zonedTLS(t)
	s, _ := connected(t, l)
	s.Advance(stream.Event{Kind: stream.TimedOut})
	checkTLS(t, zone, status.TLSSnapshot{HandshakesFailed: 1, HandshakeTimeout: 1})
	checkZone(t, zone, finished(1, 0, 0, 0, 1))
}

// TestConnectionsOfProcess checks the counters of the process: a connection is active until its
// session has ended, however it ends.
func TestConnectionsOfProcess(t *testing.T) {
	process := status.NewProcess()
	check := func(want status.ConnectionsSnapshot) {
		t.Helper()
		if got := process.Connections.Snapshot(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	base := offline.NewSession(t, listener())
	base.Env.Status = process
	newSession := func() *stream.Session { return stream.NewSession(base.Listen, base.Env, base.Client, nil) }
	served, watched, panicked := newSession(), newSession(), newSession()
	check(status.ConnectionsSnapshot{Accepted: 3, Active: 3})
	served.Advance(stream.Event{Kind: stream.Accepted})
	served.Advance(stream.Event{Kind: stream.Relayed})
	check(status.ConnectionsSnapshot{Accepted: 3, Active: 2})
	watched.Advance(stream.Event{Kind: stream.Failed, Op: stream.OpWatch, Err: errors.New("no memory")})
	panicked.Panicked("a bug")
	check(status.ConnectionsSnapshot{Accepted: 3})
	process.Connections.Drop(0)
	check(status.ConnectionsSnapshot{Accepted: 4, Dropped: 1})
	process.Connections.Reset()
	check(status.ConnectionsSnapshot{})
}
