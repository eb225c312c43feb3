package reply_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/modules/reply"
	"weir/stream/offline"
)

// newSession returns a session of a server that returns the text.
func newSession(t *testing.T, text string, preread ...stream.Handler) *offline.Session {
	t.Helper()
	config := stream.NewConfig()
	tpl, err := stream.ParseTemplate(text, config.Vars)
	if err != nil {
		t.Fatal(err)
	}
	if unknown := config.Vars.Resolve(); unknown != nil {
		t.Fatal(unknown)
	}
	server := &stream.Server{Content: &reply.Content{Text: tpl}, Settings: stream.Settings{PrereadBufferSize: 100, PrereadTimeout: 1}}
	server.Handlers[stream.Preread] = preread
	return offline.NewSession(t, &stream.Listen{Config: config, Default: server})
}

// peeking is a preread handler that requests a byte.
type peeking struct{}

func (peeking) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) == 0 {
		return stream.More, nil
	}
	return stream.Done, nil
}

func TestContent(t *testing.T) {
	const where = " while returning text, client: 192.0.2.1, server: 192.0.2.100:1883"
	tests := []struct {
		name   string
		text   string
		script string
		status stream.Status
		log    []string
		ending stream.Ending
	}{
		{"text", "hello", `
			accepted -> send "hello" within=5s
			relayed  -> finish`, 200, nil, stream.Completed},
		{"variables", "$remote_addr:$remote_port ${bytes_received}", `
			accepted -> send "192.0.2.1:1000 0" within=5s
			relayed  -> finish`, 200, nil, stream.Completed},
		{"nothing", "", `accepted -> finish`, 200, nil, stream.Completed},
		{"variables without a value", "$proxy_protocol_addr", `accepted -> finish`, 200, nil, stream.Completed},
		{"a client that takes nothing", "hello", `
			accepted -> send "hello" within=5s
			after 5s -> keep
			timedout -> finish`, 200, []string{"[info] *1 connection timed out (110: Connection timed out)" + where}, stream.SendTimeout},
		{"a client that has gone", "hello", `
			accepted -> send "hello" within=5s
			failed client send ECONNRESET -> keep
			relayed client-error -> finish`, 500, []string{"[info] *1 send() failed (104: Connection reset by peer)" + where}, stream.ClientReset},
		{"a client that has gone, without a reason", "hello", `
			accepted -> send "hello" within=5s
			relayed client-error -> finish`, 500, nil, stream.ClientReset},
		{"shutdown", "hello", `
			accepted -> send "hello" within=5s
			aborted -> finish`, 200, []string{"[info] *1 shutdown timeout" + where}, stream.Shutdown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t, tt.text)
			offline.Script(t, s, tt.script)
			if s.Status != tt.status {
				t.Errorf("got status %d, want %d", s.Status, tt.status)
			}
			if got := s.Ending(); got != tt.ending {
				t.Errorf("got ending %v, want %v", got, tt.ending)
			}
			if got := s.Lines.All()[1:]; !slices.Equal(got, tt.log) {
				t.Errorf("got log %q, want %q", got, tt.log)
			}
		})
	}
}

// In nginx, preread data stays unread in the socket, and the client therefore sees a reset.
func TestResetAfterPreread(t *testing.T) {
	s := newSession(t, "hello", peeking{})
	offline.Script(t, s, `
		accepted  -> read max=100 within=1ns
		bytes "x" -> send "hello" within=5s
		relayed   -> finish reset`)
}

// A driver that reports why it cannot send need not report the failure again at the end.
func TestFailureIsRemembered(t *testing.T) {
	s := newSession(t, "hello")
	offline.Script(t, s, `
		accepted                      -> send "hello" within=5s
		failed client send ECONNRESET -> keep`)
	s.Advance(stream.Event{Kind: stream.Relayed})
	if s.Status != stream.StatusInternal {
		t.Errorf("got status %d, want 500", s.Status)
	}
}

// Every piece of a large text has its own timeout.
func TestLargeText(t *testing.T) {
	text := strings.Repeat("x", 40<<10)
	piece := strconv.Quote(text[:16<<10])
	s := newSession(t, text)
	offline.Script(t, s, `
		accepted -> send `+piece+` within=5s
		after 4s -> keep
		relayed  -> send `+piece+` within=5s
		after 4s -> keep
		relayed  -> send `+strconv.Quote(text[:8<<10])+` within=5s
		relayed  -> finish`)
}
