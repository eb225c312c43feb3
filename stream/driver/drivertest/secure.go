package drivertest

import (
	"crypto/tls"
	"time"

	"weir/stream"
)

// A Secured is a content that performs TLS handshakes before it continues as its Proxy: with the
// client first, with the server once it is connected. It skips a server whose handshake fails.
type Secured struct {
	*Proxy
	Client   *tls.Config   // nil means no TLS with the client
	Upstream *tls.Config   // nil means no TLS with the server
	Timeout  time.Duration // of each handshake; 0 disables it
	Hello    []byte        // written to the server before the handshake with it
}

// greeted is the state of a session of a Secured.
type greeted struct {
	client bool // the handshake with the client is done
	shaken bool // the handshake with the server is done
}

var greetings = stream.NewKey[*greeted]()

// Begin starts the handshake with the client, if TLS is configured.
func (c *Secured) Begin(s *stream.Session) stream.Step {
	g := &greeted{}
	greetings.Set(s, g)
	if c.Client == nil {
		return c.proceed(s, g)
	}
	return stream.Step{Do: stream.HandshakeClient, TLS: c.Client, Deadline: c.deadline(s)}
}

func (c *Secured) deadline(s *stream.Session) time.Time {
	if c.Timeout == 0 {
		return time.Time{}
	}
	return s.Env.Now().Add(c.Timeout)
}

// proceed starts the proxy.
func (c *Secured) proceed(s *stream.Session, g *greeted) stream.Step {
	g.client = true
	return c.plain(c.Proxy.Begin(s))
}

// plain replaces the bytes for the server by Hello, because the other bytes follow the handshake.
func (c *Secured) plain(step stream.Step) stream.Step {
	if step.Do == stream.Connect && c.Upstream != nil {
		step.Out = c.Hello
	}
	return step
}

// Next continues after an event.
func (c *Secured) Next(s *stream.Session, ev stream.Event) stream.Step {
	g, _ := greetings.Get(s)
	if g.client {
		return c.nextUpstream(s, g, ev)
	}
	c.Proxy.Saw(s, ev)
	switch {
	case ev.Kind == stream.HandshakeDone:
		return c.proceed(s, g)
	case ev.Kind == stream.Aborted && c.Proxy.Deaf:
		return stream.Step{}
	}
	return s.Finish(stream.StatusOK)
}

func (c *Secured) nextUpstream(s *stream.Session, g *greeted, ev stream.Event) stream.Step {
	switch {
	case c.Upstream == nil || g.shaken:
	case ev.Kind == stream.Connected:
		c.Proxy.Saw(s, ev)
		return stream.Step{Do: stream.HandshakeUpstream, TLS: c.Upstream, Out: s.Head, Deadline: c.deadline(s)}
	case ev.Kind == stream.HandshakeDone:
		g.shaken = true
		c.Proxy.Saw(s, ev)
		return c.Proxy.Next(s, stream.Event{Kind: stream.Connected})
	}
	return c.plain(c.Proxy.Next(s, ev))
}
