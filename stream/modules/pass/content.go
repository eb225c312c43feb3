// Package pass is the content that passes a connection to another address of the configuration, as
// if it had been accepted there.
package pass

import (
	"weir/internal/errorlog"
	"weir/stream"
)

// maxPasses is the maximum number of times that one connection is passed,
// NGX_STREAM_PASS_MAX_PASSES.
const maxPasses = 10

// Content is the pass directive of a server, to Addr or to the address in Variable.
//
// The session continues as a new one on the other address, and only that one is logged. Preread
// data is passed along: nginx has only peeked at it.
//
// See https://nginx.org/en/docs/stream/ngx_stream_pass_module.html.
type Content struct {
	Addr     stream.Addr
	Variable *stream.Template // nil selects Addr
	// Parse parses the value of Variable. Its error is the sentence for the log.
	Parse func(text string) (stream.Addr, error)
}

// passes counts how often a connection has been passed.
var passes = stream.NewKey[int]()

// Begin passes the session. If no server listens on the address, it ends the session with 200.
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
		s.SetEnding(stream.InternalError)
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

// local returns the local address of the passed session: the target address, or the socket's own
// address if the target is a wildcard.
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

// Next is never called: after the pass, another content continues the session.
func (c *Content) Next(*stream.Session, stream.Event) stream.Step {
	panic("pass: event for a session that has been passed on")
}
