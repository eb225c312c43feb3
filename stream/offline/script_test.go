package offline_test

import (
	"testing"
	"time"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
)

// wantBytes is a preread handler that asks for more until it has that many bytes.
type wantBytes int

func (n wantBytes) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) < int(n) {
		return stream.More, nil
	}
	return stream.Done, nil
}

func scriptedListen() *stream.Listen {
	server := &stream.Server{
		Content:  &drivertest.Proxy{To: []stream.Addr{drivertest.Loopback(1883), drivertest.Loopback(1884)}, ConnectTimeout: time.Minute, Spec: &relay.Spec{}},
		Settings: stream.Settings{PrereadBufferSize: 16, PrereadTimeout: 30 * time.Second},
	}
	server.Handlers[stream.Preread] = []stream.Handler{wantBytes(4)}
	return &stream.Listen{Default: server}
}

func TestScript(t *testing.T) {
	for _, tt := range []struct{ name, script string }{
		{"second server", `
			accepted                             -> read max=16 within=30s
			after 10s                            -> keep
			bytes "\x10\x0c"                     -> read max=14 within=20s
			bytes "ab"                           -> connect 127.0.0.1:1883 out="\x10\fab" within=1m0s
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:1884 out="\x10\fab" within=1m0s
			connected 127.0.0.1:5000             -> relay
			failed client recv ECONNRESET        -> keep
			firstbyte                            -> keep
			relayed client-EOF                   -> finish`},
		{"no server", `
			accepted   -> read max=16 within=30s
			bytes "12345" -> connect 127.0.0.1:1883 out="12345" within=1m0s
			timedout   -> connect 127.0.0.1:1884 out="12345" within=1m0s
			timedout   -> finish reset`},
		{"client leaves", `
			accepted   -> read max=16 within=30s
			eof        -> finish`},
		{"shutdown", `
			# while it waits
			accepted   -> read max=16 within=30s
			aborted    -> finish`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			offline.Script(t, offline.NewSession(t, scriptedListen()), tt.script)
		})
	}
}
