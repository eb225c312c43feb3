package proxy_test

import (
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// TestClientGoneAfterOpening checks that no further server is tried after the client has gone, and
// that the server tried is not counted as failed.
func TestClientGoneAfterOpening(t *testing.T) {
	gone := "[info] *1 client disconnected, bytes from/to client:0/0, bytes from/to upstream:0/0"
	tests := []struct {
		name, script string
		log          []string
	}{
		{"first attempt", `eof -> finish reset`, []string{gone}},
		{"second attempt", `failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002 out="abcd" within=1m0s
			eof -> finish reset`, []string{"[error] *1 connect() failed (111: Connection refused)" + at(connecting, 1, 0), gone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := content(group(2))
			s := session(t, c)
			offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s`)
			s.SetOpening()
			offline.Script(t, s, tt.script)
			checkStatus(t, s, 200)
			checkLog(t, s, tt.log)
			checkIdle(t, c.To.Group)
		})
	}
}

// TestHalfCloseServesOpening checks that with proxy_half_close every client that has ended its
// input is served.
func TestHalfCloseServesOpening(t *testing.T) {
	c := content(group(1))
	c.Relay.HalfClose = true
	s := session(t, c)
	offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s`)
	s.SetOpening()
	offline.Script(t, s, `eof -> keep`)
}

// TestClientGoneResolving checks that a session that waits for a lookup ends with its client.
func TestClientGoneResolving(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event stream.Event
		opens bool
		want  stream.StepKind
	}{
		{"reset", stream.Event{Kind: stream.Failed, Side: stream.ClientSide, Op: stream.OpRecv, Err: stream.ErrTimedOut}, false, stream.Finish},
		{"end of an opening", stream.Event{Kind: stream.EOF}, true, stream.Finish},
		{"end", stream.Event{Kind: stream.EOF}, false, stream.Keep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, _ := asking(t, "b.example:1883")
			begin(t, s)
			if tt.opens {
				s.SetOpening()
			}
			if step := s.Advance(tt.event); step.Do != tt.want {
				t.Errorf("got %s", offline.StepText(step, s.Clock.Now()))
			}
			if tt.want == stream.Finish {
				checkStatus(t, s, 200)
			}
		})
	}
}

// TestReadAhead checks the handling of bytes that arrive while a session waits for a server.
func TestReadAhead(t *testing.T) {
	const two = `connect 127.0.0.1:7002 out="abcd" within=1m0s` + "\n"
	proxying := "proxying connection"
	tests := []struct {
		name, script string
		log          []string
	}{
		{"nothing more", `bytes "" -> keep
			failed upstream connect ECONNREFUSED -> ` + two + `failed upstream connect ECONNREFUSED -> finish`, []string{
			"[error] *1 connect() failed (111: Connection refused)" + at(proxying, 1, 4),
			"[error] *1 connect() failed (111: Connection refused)" + at(connecting, 2, 4),
		}},
		{"more", `bytes "" -> keep
			bytes "efg" -> keep
			timedout -> ` + two + `bytes "h" -> keep
			failed upstream connect ECONNREFUSED -> finish`, []string{
			"[error] *1 upstream timed out (110: Connection timed out)" + at(proxying, 1, 7),
			"[error] *1 connect() failed (111: Connection refused)" + at(proxying, 2, 8),
		}},
		{"an opening with more behind it", `bytes "ef" -> keep
			eof -> keep
			timedout -> ` + two + `connected 127.0.0.1:5000 -> relay
			relayed client-EOF -> finish`, []string{
			"[error] *1 upstream timed out (110: Connection timed out)" + at(proxying, 1, 6),
			"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7002",
			"[info] *1 client disconnected, bytes from/to client:6/0, bytes from/to upstream:0/0",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := session(t, content(group(2)))
			offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s`)
			s.SetOpening()
			offline.Script(t, s, tt.script)
			checkLog(t, s, tt.log)
		})
	}
}
