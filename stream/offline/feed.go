package offline

import "weir/stream"

// Feed accepts the session and gives it its input, in pieces of at most size bytes and only as much as
// it requests, until it stops reading. It returns the last step and the number of bytes taken. The
// pieces are overwritten after each step, as a driver may do.
func (s *Session) Feed(input string, size int) (step stream.Step, taken int) {
	step = s.Advance(stream.Event{Kind: stream.Accepted})
	for step.Do == stream.Read && taken < len(input) {
		n := min(size, step.Max, len(input)-taken)
		piece := []byte(input[taken : taken+n])
		step = s.Advance(stream.Event{Kind: stream.Bytes, Data: piece})
		clear(piece)
		taken += n
	}
	return step, taken
}

// Echo is a content that sends the client what it would send to a server, and ends.
type Echo struct{}

// Begin implements stream.Content.
func (Echo) Begin(s *stream.Session) stream.Step {
	return stream.Step{Do: stream.Send, Out: append([]byte{}, s.Head...)}
}

// Next implements stream.Content.
func (Echo) Next(s *stream.Session, _ stream.Event) stream.Step { return s.Finish(stream.StatusOK) }
