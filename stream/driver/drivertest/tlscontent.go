package drivertest

import (
	"crypto/tls"
	"time"

	"weir/stream"
)

// A TLSContent is a content that performs TLS handshakes before it continues as its Proxy: with the
// client first, with the server once it is connected. It skips a server whose handshake fails.
type TLSContent struct {
	*Proxy
	Client   *tls.Config   // nil means no TLS with the client
	Upstream *tls.Config   // nil means no TLS with the server
	Timeout  time.Duration // of each handshake; 0 disables it
	Preamble []byte        // written to the server before the handshake with it
}

// handshakeState is the state of a session with TLSContent.
type handshakeState struct {
	clientDone   bool // the handshake with the client is done
	upstreamDone bool // the handshake with the server is done
}

var handshakeKey = stream.NewKey[*handshakeState]()

// Begin starts the handshake with the client, if TLS is configured.
func (c *TLSContent) Begin(s *stream.Session) stream.Step {
	g := &handshakeState{}
	handshakeKey.Set(s, g)
	if c.Client == nil {
		return c.proceed(s, g)
	}
	return stream.Step{Do: stream.HandshakeClient, TLS: c.Client, Deadline: c.deadline(s)}
}

func (c *TLSContent) deadline(s *stream.Session) time.Time {
	if c.Timeout == 0 {
		return time.Time{}
	}
	return s.Env.Now().Add(c.Timeout)
}

// proceed starts the proxy.
func (c *TLSContent) proceed(s *stream.Session, g *handshakeState) stream.Step {
	g.clientDone = true
	return c.withPreamble(c.Proxy.Begin(s))
}

// withPreamble replaces the bytes for the server by Hello, because the other bytes follow the handshake.
func (c *TLSContent) withPreamble(step stream.Step) stream.Step {
	if step.Do == stream.Connect && c.Upstream != nil {
		step.Out = c.Preamble
	}
	return step
}

// Next continues after an event.
func (c *TLSContent) Next(s *stream.Session, ev stream.Event) stream.Step {
	g, _ := handshakeKey.Get(s)
	if g.clientDone {
		return c.nextUpstream(s, g, ev)
	}
	c.Proxy.OnEvent(s, ev)
	switch {
	case ev.Kind == stream.HandshakeDone:
		return c.proceed(s, g)
	case ev.Kind == stream.Aborted && c.Proxy.IgnoreAborts:
		return stream.Step{}
	}
	return s.Finish(stream.StatusOK)
}

func (c *TLSContent) nextUpstream(s *stream.Session, g *handshakeState, ev stream.Event) stream.Step {
	switch {
	case c.Upstream == nil || g.upstreamDone:
	case ev.Kind == stream.Connected:
		c.Proxy.OnEvent(s, ev)
		return stream.Step{Do: stream.HandshakeUpstream, TLS: c.Upstream, Out: s.Head, Deadline: c.deadline(s)}
	case ev.Kind == stream.HandshakeDone:
		g.upstreamDone = true
		c.Proxy.OnEvent(s, ev)
		return c.Proxy.Next(s, stream.Event{Kind: stream.Connected})
	}
	return c.withPreamble(c.Proxy.Next(s, ev))
}
