package proxy_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/offline"
)

// counter is a logger and a lease that count their calls.
type counter struct{ logged, released int }

func (c *counter) Log(*stream.Session) { c.logged++ }
func (c *counter) Release()            { c.released++ }

// answers contains the events that may follow each step.
var answers = map[stream.StepKind][]stream.EventKind{
	stream.Read:    {stream.Bytes, stream.EOF, stream.Failed, stream.TimedOut, stream.Aborted},
	stream.Connect: {stream.Connected, stream.Failed, stream.Failed, stream.TimedOut, stream.Aborted, stream.EOF},
	stream.Pause:   {stream.TimedOut, stream.TimedOut, stream.Failed, stream.EOF, stream.Aborted},
	stream.Relay:   {stream.FirstByte, stream.Failed, stream.Relayed, stream.Aborted},
}

// TestRandomSessions plays sessions with random events. In every case each session finishes, is
// logged once, and releases all that it holds.
func TestRandomSessions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	g := group(3)
	for range 2000 {
		c := content(g)
		c.NextUpstream, c.NextTries = random.IntN(4) > 0, random.IntN(4)
		if random.IntN(2) == 0 {
			c.NextTimeout = 10 * time.Second
		}
		s := session(t, c)
		var count counter
		s.Server.Loggers = []stream.Logger{&count}
		s.Hold(&count)
		history := playRandomly(s, random)
		if count != (counter{1, 1}) || s.Status == 0 || s.Lines.Count("[alert] *1 panic") > 0 {
			t.Fatalf("after %v: logged and released %+v, status %d, log %q", history, count, s.Status, s.Lines.All())
		}
		checkIdle(t, g)
	}
}

// playRandomly answers every step at random until the session finishes, and returns the events.
func playRandomly(s *offline.Session, random *rand.Rand) (history []stream.EventKind) {
	ev := stream.Event{Kind: stream.Accepted}
	outstanding := stream.Keep
	for {
		history = append(history, ev.Kind)
		step := s.Advance(ev)
		if step.Do == stream.Finish {
			return history
		}
		if step.Do != stream.Keep {
			outstanding = step.Do
		}
		s.Clock.Advance(time.Duration(random.IntN(5)) * time.Second)
		ev = randomAnswer(s, outstanding, random)
	}
}

func randomAnswer(s *offline.Session, step stream.StepKind, random *rand.Rand) stream.Event {
	kinds := answers[step]
	ev := stream.Event{Kind: kinds[random.IntN(len(kinds))]}
	switch ev.Kind {
	case stream.Bytes:
		ev.Data = []byte("abcd")[:1+random.IntN(4)]
	case stream.Relayed:
		s.Traffic.End = relay.End(1 + random.IntN(int(relay.Dropped)))
	case stream.Failed:
		ev.Side, ev.Op = failure(step, random)
		ev.Err = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EMFILE, syscall.EADDRNOTAVAIL}[random.IntN(4)]
	}
	return ev
}

// failure returns a random failure that is possible while the step is outstanding.
func failure(step stream.StepKind, random *rand.Rand) (stream.Side, stream.Op) {
	if step == stream.Connect && random.IntN(3) > 0 {
		return stream.UpstreamSide, []stream.Op{stream.OpSocket, stream.OpConnect, stream.OpConnect}[random.IntN(3)]
	}
	if step == stream.Relay && random.IntN(2) > 0 {
		return stream.UpstreamSide, stream.OpSend
	}
	return stream.ClientSide, stream.OpRecv
}
