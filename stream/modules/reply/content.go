// Package reply is the content that sends a text to the client and then closes the connection.
package reply

import (
	"time"

	"weir/internal/relay"
	"weir/stream"
)

// timeout is the time after which a client that accepts none of the text is abandoned, as in
// ngx_stream_return_write_handler.
const timeout = 5 * time.Second

// maxPiece is the maximum length of text offered to the client at a time. Each piece has its own
// timeout, whereas nginx restarts its timer whenever the socket has accepted some bytes.
const maxPiece = 16 << 10

// Content is the return directive of a server. It does not read data from the client.
//
// See https://nginx.org/en/docs/stream/ngx_stream_return_module.html.
type Content struct {
	Text stream.Template
}

// later is the unsent rest of a text of more than one piece.
var later = stream.NewKey[[]byte]()

// Begin sends the text. An empty text ends the session at once.
func (c *Content) Begin(s *stream.Session) stream.Step {
	s.SetLogAction(stream.ReturningText)
	text := c.Text.Eval(s)
	if text == "" {
		return s.Finish(stream.StatusOK)
	}
	return send(s, []byte(text))
}

// send offers the next piece of text, and stores the rest.
func send(s *stream.Session, text []byte) stream.Step {
	piece := text
	if len(text) > maxPiece {
		piece = text[:maxPiece]
		later.Set(s, text[maxPiece:])
	}
	return stream.Step{Do: stream.Send, Out: piece, Deadline: s.Env.Now().Add(timeout)}
}

// Next sends the rest, and finishes when nothing is left or the client does not accept it.
func (c *Content) Next(s *stream.Session, ev stream.Event) stream.Step {
	switch ev.Kind {
	case stream.Failed:
		s.LogFailure(ev)
		s.Traffic.End = relay.ClientError
		return stream.Step{}
	case stream.TimedOut:
		s.Log(stream.LevelInfo, "connection timed out", stream.ErrTimedOut)
		s.SetEnding(stream.SendTimeout)
		return s.Finish(stream.StatusOK)
	case stream.Aborted:
		s.Log(stream.LevelInfo, "shutdown timeout", nil)
		s.SetEnding(stream.Shutdown)
		return s.Finish(stream.StatusOK)
	}
	if s.Traffic.End == relay.ClientError {
		return s.Finish(stream.StatusInternal)
	}
	if rest, _ := later.Get(s); len(rest) > 0 {
		later.Set(s, nil)
		return send(s, rest)
	}
	return s.Finish(stream.StatusOK)
}
