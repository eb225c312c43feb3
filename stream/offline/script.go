// Package offline plays a session without sockets, for tests: its clock is set by the test, its
// events and steps are lines of text, and its log is stored.
package offline

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

// A Session is a session without a socket, for use with Script.
type Session struct {
	*stream.Session
	Clock *Clock
	Lines *Lines // its log

	UpstreamTLS tls.ConnectionState // of the event "handshakedone"
}

// NewSession returns the session of a client at 192.0.2.1:1000 that l has accepted, at
// 192.0.2.100:1883 if l has no address. A server without an error log gets one.
func NewSession(t testing.TB, l *stream.Listen) *Session {
	t.Helper()
	clock := NewClock()
	env, lines := NewEnv(clock.Now)
	if l.Config == nil {
		l.Config = stream.NewConfig()
	}
	if !l.Addr.IsValid() {
		l.Addr = stream.Addr{IP: netip.MustParseAddrPort("192.0.2.100:1883")}
	}
	if l.Default.Settings.ErrorLog == nil {
		l.Default.Settings.ErrorLog = env.Log
	}
	peer := stream.Client{Addr: stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:1000")}, Local: &l.Addr}
	return &Session{Session: stream.NewSession(l, env, peer, nil), Clock: clock, Lines: lines}
}

// Script plays a transcript: each line has an event, "->", and the expected step of the session.
// Empty lines and lines that begin with "#" are skipped.
//
//	accepted                              -> read max=16384 within=30s
//	bytes "\x10\x0c"                      -> connect 127.0.0.1:1883 out="\x10\x0c" within=1m0s
//	failed upstream connect ECONNREFUSED  -> connect 127.0.0.1:1884 out="\x10\x0c" within=1m0s
//	connected 127.0.0.1:5000              -> relay
//	firstbyte                             -> keep
//	after 5s                              -> keep
//	relayed timeout                       -> finish
//
// The other events are eof, timedout, aborted, resolved and handshakedone; "after" moves the clock and is no
// event. Other steps are `send "bytes"`, `resolve`, `pause`, `shake client`, `shake upstream` and
// `finish reset`. The reason of a failed handshake may be UNSENT. A datagram session
// begins with `accepted "datagram"`, and ends with the numbers of datagrams from the client and
// from the server in `relayed done 1/1`. "relayed" takes the names of relay.End, with "-" for
// blanks.
func Script(t testing.TB, s *Session, transcript string) {
	t.Helper()
	for i, line := range strings.Split(transcript, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		in, want, ok := strings.Cut(line, "->")
		if !ok {
			t.Fatalf("line %d: no \"->\" in %q", i+1, line)
		}
		got, err := s.play(strings.TrimSpace(in))
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if want = strings.TrimSpace(want); got != want {
			t.Fatalf("line %d: after %s\n got %s\nwant %s\nlog: %s", i+1, in, got, want, strings.Join(s.Lines.All(), "\n     "))
		}
	}
}

// play plays one line, and returns the step as text.
func (s *Session) play(in string) (string, error) {
	word, rest, _ := strings.Cut(in, " ")
	if word == "after" {
		d, err := time.ParseDuration(rest)
		s.Clock.Advance(d)
		return "keep", err
	}
	ev, err := s.event(word, strings.TrimSpace(rest))
	if err != nil {
		return "", err
	}
	return StepText(s.Advance(ev), s.Clock.Now()), nil
}

var plainEvents = map[string]stream.EventKind{
	"eof": stream.EOF, "firstbyte": stream.FirstByte, "timedout": stream.TimedOut,
	"aborted": stream.Aborted, "resolved": stream.Resolved,
}

func (s *Session) event(word, rest string) (stream.Event, error) {
	switch word {
	case "bytes":
		text, err := strconv.Unquote(rest)
		return stream.Event{Kind: stream.Bytes, Data: []byte(text)}, err
	case "accepted":
		return acceptedEvent(rest)
	case "connected":
		return connectedEvent(rest)
	case "relayed":
		return s.relayedEvent(rest)
	case "failed":
		return failedEvent(strings.Fields(rest))
	case "handshakedone":
		return stream.Event{Kind: stream.HandshakeDone, TLS: &s.UpstreamTLS}, nil
	}
	kind, ok := plainEvents[word]
	if !ok {
		return stream.Event{}, fmt.Errorf("unknown event %q", word)
	}
	return stream.Event{Kind: kind}, nil
}

// acceptedEvent returns an event with a datagram if the session is a datagram session.
func acceptedEvent(datagram string) (stream.Event, error) {
	ev := stream.Event{Kind: stream.Accepted}
	if datagram == "" {
		return ev, nil
	}
	text, err := strconv.Unquote(datagram)
	ev.Data = []byte(text)
	return ev, err
}

// relayedEvent returns an end and, for a datagram session, how many datagrams came and were
// answered: "done 2/2".
func (s *Session) relayedEvent(rest string) (stream.Event, error) {
	name, counts, _ := strings.Cut(rest, " ")
	end, err := endNamed(name)
	s.Traffic.End = end
	ev := stream.Event{Kind: stream.Relayed}
	if counts == "" {
		return ev, err
	}
	ev.Packets = &relay.Packets{}
	_, scanned := fmt.Sscanf(counts, "%d/%d", &ev.Packets.Requests, &ev.Packets.Responses)
	return ev, errors.Join(err, scanned)
}

func connectedEvent(local string) (stream.Event, error) {
	ev := stream.Event{Kind: stream.Connected}
	if local == "" {
		return ev, nil
	}
	var err error
	ev.Local.IP, err = netip.ParseAddrPort(local)
	return ev, err
}

func failedEvent(words []string) (stream.Event, error) {
	if len(words) != 3 {
		return stream.Event{}, fmt.Errorf("failed takes a side, a call and a reason, not %q", words)
	}
	ev := stream.Event{Kind: stream.Failed}
	if words[0] == "upstream" {
		ev.Side = stream.UpstreamSide
	}
	for op := stream.OpSocket; op <= stream.OpWatch; op++ {
		if op.String() == words[1]+"()" {
			ev.Op = op
		}
	}
	if ev.Op == stream.OpNone {
		return ev, fmt.Errorf("unknown call %q", words[1])
	}
	if words[2] == "UNSENT" {
		ev.Err = stream.ErrUnsent
		return ev, nil
	}
	errno, err := errnoNamed(words[2])
	ev.Err = errno
	return ev, err
}

func errnoNamed(name string) (syscall.Errno, error) {
	const last = 133 // EHWPOISON
	for e := syscall.Errno(1); e <= last; e++ {
		if unix.ErrnoName(e) == name {
			return e, nil
		}
	}
	return 0, fmt.Errorf("unknown error %q", name)
}

func endNamed(name string) (relay.End, error) {
	for end := relay.End(0); end <= relay.Dropped; end++ {
		if name == strings.ReplaceAll(end.String(), " ", "-") || name == "" {
			return end, nil
		}
	}
	return 0, fmt.Errorf("unknown end %q", name)
}

// StepText returns a step in Script's notation; deadlines are relative to now.
func StepText(step stream.Step, now time.Time) string {
	switch step.Do {
	case stream.Keep:
		return "keep"
	case stream.Read:
		return fmt.Sprintf("read max=%d", step.Max) + within(step, now)
	case stream.Connect:
		return "connect " + targetText(step) + within(step, now)
	case stream.Relay:
		return "relay" + within(step, now)
	case stream.Send:
		return "send " + strconv.Quote(string(step.Out)) + within(step, now)
	case stream.Resolve:
		return "resolve" + within(step, now)
	case stream.Pause:
		return "pause" + within(step, now)
	case stream.HandshakeClient:
		return "shake client" + within(step, now)
	case stream.HandshakeUpstream:
		return "shake upstream" + outText(step) + within(step, now)
	case stream.Finish:
		if step.Reset {
			return "finish reset"
		}
		return "finish"
	}
	return fmt.Sprintf("step %d", step.Do)
}

func targetText(step stream.Step) string {
	text := step.Target.Addr.String()
	if step.Target.Local.IsValid() {
		text += " from=" + step.Target.Local.String()
	}
	return text + outText(step)
}

func outText(step stream.Step) string {
	if len(step.Out) == 0 {
		return ""
	}
	return " out=" + strconv.Quote(string(step.Out))
}

func within(step stream.Step, now time.Time) string {
	if step.Deadline.IsZero() {
		return ""
	}
	return " within=" + step.Deadline.Sub(now).String()
}
