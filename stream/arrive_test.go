package stream_test

import (
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
)

// passingTo is a content that passes its sessions to another address.
type passingTo struct{ *stream.Listen }

func (p passingTo) Begin(s *stream.Session) stream.Step {
	s.Arrive(p.Listen, &p.Addr)
	return s.Advance(stream.Event{Kind: stream.Accepted})
}

func (passingTo) Next(*stream.Session, stream.Event) stream.Step { panic("never") }

func TestArrive(t *testing.T) {
	const second = "[info] *1 client 192.0.2.1:1000 connected to 127.0.0.1:2"
	tests := []struct {
		name string
		prereads,
		proxied bool
		script string
		status stream.Status
		log    []string
	}{
		{"untouched", false, false, `
			accepted -> send ""
			relayed  -> finish`, 200, []string{second}},
		{"with what a preread has seen", true, false, `
			accepted    -> read max=8 within=30s
			bytes "abc" -> send "abc"
			relayed     -> finish reset`, 200, []string{second}},
		{"to a PROXY header", false, true, `
			accepted                     -> read max=4096 within=20s
			bytes "PROXY UNKNOWN\r\nabc" -> send "abc"
			relayed                      -> finish reset`, 200, []string{second}},
		{"to a PROXY header that a preread has seen", true, true, `
			accepted                     -> read max=8 within=30s
			bytes "PROXY UN"             -> read max=4088 within=20s
			bytes "KNOWN\r\nabc"         -> send "abc"
			relayed                      -> finish reset`, 200, []string{second}},
		{"to a PROXY header that a preread has not seen", true, true, `
			accepted                     -> read max=8 within=30s
			bytes "PROXY or"             -> finish reset`, 400,
			[]string{second, `[error] *1 broken header: "PROXY or" while reading PROXY protocol, client: 192.0.2.1, server: 127.0.0.1:2`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, to := listener(), listener()
			to.Addr, to.ProxyProtocol = drivertest.Loopback(2), tt.proxied
			first.Default.Content = passingTo{to}
			if tt.prereads {
				first.Default.Handlers[stream.Preread] = []stream.Handler{wanting(1, stream.Done)}
			}
			s := offline.NewSession(t, first)
			to.Config, to.Default.Settings.ErrorLog = first.Config, s.Env.Log
			offline.Script(t, s, tt.script)
			if s.Status != tt.status {
				t.Errorf("got status %d, want %d", s.Status, tt.status)
			}
			checkLog(t, s, tt.log...)
		})
	}
}

// releases is a lease that counts its releases.
type releases struct{ n int }

func (c *releases) Release() { c.n++ }

// The state of the connection remains; the state of the session is reset.
func TestArriveAnew(t *testing.T) {
	first, to := listener(), listener()
	to.Addr, to.Default.Settings.ErrorLog = drivertest.Loopback(2), nil
	first.Config = stream.NewConfig()
	addr := first.Config.Vars.Index("server_addr")
	elapsed := first.Config.Vars.Index("session_time")
	first.Config.Vars.Resolve()
	s := offline.NewSession(t, first)
	to.Config, to.Default.Settings.ErrorLog = first.Config, s.Env.Log
	key, lease := stream.NewKey[int](), &releases{}
	key.Set(s.Session, 1)
	s.Hold(lease)
	s.SetLogAction(stream.Proxying)
	s.Value(addr)
	s.Clock.Advance(1e9)

	s.Arrive(to, &to.Addr)

	if _, ok := key.Get(s.Session); ok {
		t.Error("what a module kept is still there")
	}
	if got, _ := s.Value(addr); got != "127.0.0.1" {
		t.Errorf("got server_addr %s, want 127.0.0.1", got)
	}
	if got, _ := s.Value(elapsed); got != "0.000" {
		t.Errorf("got session_time %s, want 0.000", got)
	}
	if s.ID != 1 || lease.n != 0 {
		t.Errorf("got number %d, %d releases, want 1, 0", s.ID, lease.n)
	}
	offline.Script(t, s, `
		accepted -> send ""
		relayed  -> finish`)
	if lease.n != 1 {
		t.Errorf("got %d releases, want 1", lease.n)
	}
}
