package drivertest

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// Loopback returns an address of 127.0.0.1.
func Loopback(port uint16) stream.Addr {
	return stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)}
}

// A Proxy is a content that relays to the first of its servers that accepts a connection, without
// balancing. It tests only the driver. Its sessions count and finish like those of the proxy
// module.
type Proxy struct {
	To             []stream.Addr
	Target         stream.Target // its Addr is not used
	ConnectTimeout time.Duration // 0 disables it; a negative one has already expired
	Prefix         []byte        // written before the bytes read from the client
	Spec           *relay.Spec
	IgnoreAborts   bool                                // ignores Aborted
	Farewell       []byte                              // sent to the client when a relay is aborted
	ReadAhead      int                                 // how much is read while it waits for a server
	FinishOnEOF    bool                                // ends if the client's input ends before there is a connection
	OnEvent        func(*stream.Session, stream.Event) // called with each event; optional
	attempts       atomic.Int64                        // attempts of all sessions
}

// attempt is the state of a session of a Proxy.
type attempt struct {
	n       int // index in To
	target  stream.Target
	relayed bool
}

var attemptKey = stream.NewKey[*attempt]()

// Begin connects to the first server.
func (p *Proxy) Begin(s *stream.Session) stream.Step {
	a := &attempt{target: p.Target}
	attemptKey.Set(s, a)
	return p.connect(s, a)
}

func (p *Proxy) connect(s *stream.Session, a *attempt) stream.Step {
	if a.n == len(p.To) {
		return s.Finish(stream.StatusBadGateway)
	}
	p.attempts.Add(1)
	a.target.Addr = p.To[a.n]
	step := stream.Step{Do: stream.Connect, Target: &a.target, Out: append(slices.Clip(p.Prefix), s.Head...)}
	step.Max = max(p.ReadAhead-len(s.Head), 0)
	if p.ConnectTimeout != 0 {
		step.Deadline = s.Env.Now().Add(p.ConnectTimeout)
	}
	return step
}

// Next continues after an event.
func (p *Proxy) Next(s *stream.Session, ev stream.Event) stream.Step {
	if p.OnEvent != nil {
		p.OnEvent(s, ev)
	}
	a, _ := attemptKey.Get(s)
	switch ev.Kind {
	case stream.Bytes:
		s.ReadOn(len(ev.Data))
		s.CountFromClient(len(ev.Data))
	case stream.Connected:
		if !s.UDP() {
			s.CountFromClient(len(s.Head))
		}
		s.CountSentEarly(p.Spec.Peer)
		s.PassedOn()
		a.relayed = true
		return stream.Step{Do: stream.Relay, Relay: p.Spec}
	case stream.EOF:
		if p.FinishOnEOF {
			return s.Finish(stream.StatusOK)
		}
	case stream.Failed, stream.TimedOut:
		return p.failed(s, a, ev)
	case stream.Relayed:
		return s.Finish(stream.StatusOK)
	case stream.Aborted:
		if p.IgnoreAborts {
			return stream.Step{}
		}
		if len(p.Farewell) > 0 && a.relayed {
			return stream.Step{Do: stream.Send, Out: p.Farewell}
		}
		return s.Finish(stream.StatusOK)
	}
	return stream.Step{}
}

func (p *Proxy) failed(s *stream.Session, a *attempt, ev stream.Event) stream.Step {
	if a.relayed {
		return stream.Step{}
	}
	if ev.Kind == stream.Failed && ev.Side == stream.ClientSide {
		return s.Finish(stream.StatusOK)
	}
	if ev.Op == stream.OpBind || ev.Op == stream.OpTransparent || ev.Op == stream.OpSocket {
		return s.Finish(stream.StatusInternal)
	}
	a.n++
	return p.connect(s, a)
}

// A Reply is a content that sends one text, like the return module.
type Reply struct {
	Text    []byte
	Timeout time.Duration                       // 0 disables it
	OnEvent func(*stream.Session, stream.Event) // called with each event; optional
}

// Begin sends the text.
func (r *Reply) Begin(s *stream.Session) stream.Step {
	step := stream.Step{Do: stream.Send, Out: r.Text}
	if r.Timeout > 0 {
		step.Deadline = s.Env.Now().Add(r.Timeout)
	}
	return step
}

// Next finishes the session once the step is over, whatever its result.
func (r *Reply) Next(s *stream.Session, ev stream.Event) stream.Step {
	if r.OnEvent != nil {
		r.OnEvent(s, ev)
	}
	switch ev.Kind {
	case stream.Failed:
		return stream.Step{}
	case stream.TimedOut:
		return s.Finish(stream.StatusInternal)
	}
	return s.Finish(stream.StatusOK)
}
