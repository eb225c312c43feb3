// Package pass is the content that hands a connection to another address of the configuration, as if it had arrived there.
package pass

import (
	"weir/internal/errorlog"
	"weir/stream"
)

// maxPasses bounds how often one connection is passed on, NGX_STREAM_PASS_MAX_PASSES.
const maxPasses = 10

// Content is the pass directive of a server: to Addr, or to the address that Variable comes to.
//
// The session goes on as a new one on the other address, and only that one is logged. What a preread has looked at goes along:
// nginx has peeked at it.
//
// See https://nginx.org/en/docs/stream/ngx_stream_pass_module.html.
type Content struct {
	Addr     stream.Addr
	Variable *stream.Template // nil: to Addr
	// Parse reads what Variable has come to. Its error is the sentence for the log.
	Parse func(text string) (stream.Addr, error)
}

// passes counts how often a connection has been passed on.
var passes = stream.NewKey[int]()

// Begin passes the session on. An address that is not listened on ends it with 200.
func (c *Content) Begin(s *stream.Session) stream.Step {
	s.SetLogAction(stream.PassingConnection)
	addr, err := c.address(s)
	if err != nil {
		return refuse(s, err.Error())
	}
	n, _ := passes.Get(s)
	if n == maxPasses {
		return refuse(s, "stream pass cycle")
	}
	l := s.Listen.Config.Bound(*addr)
	if l == nil {
		s.Log(stream.LevelError, "port not found for \""+errorlog.Quote(addr.String())+"\"", nil)
		return s.Finish(stream.StatusOK)
	}
	s.Arrive(l, local(s, addr))
	passes.Set(s, n+1)
	return s.Advance(stream.Event{Kind: stream.Accepted})
}

func (c *Content) address(s *stream.Session) (*stream.Addr, error) {
	if c.Variable == nil {
		return &c.Addr, nil
	}
	addr, err := c.Parse(c.Variable.Eval(s))
	return &addr, err
}

// local is the address at which the session arrives: where it is passed to, unless that is any address. Then the socket's own stays.
func local(s *stream.Session, to *stream.Addr) *stream.Addr {
	if !to.Unix && to.IP.Addr().IsUnspecified() {
		return s.Client.Local
	}
	return to
}

func refuse(s *stream.Session, sentence string) stream.Step {
	s.Log(stream.LevelError, sentence, nil)
	return s.Finish(stream.StatusInternal)
}

// Next is never called: once the session is passed on, another content goes on with it.
func (c *Content) Next(*stream.Session, stream.Event) stream.Step {
	panic("pass: event for a session that has been passed on")
}
