package stream_test

import (
	"syscall"
	"testing"

	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/offline"
)

// holder is a content that connects, and counts the calls of Abandon.
type holder struct{ abandoned int }

func (h *holder) Begin(*stream.Session) stream.Step {
	return stream.Step{Do: stream.Connect, Target: &stream.Target{Addr: drivertest.Loopback(1)}}
}

func (h *holder) Next(*stream.Session, stream.Event) stream.Step { return stream.Step{} }

func (h *holder) Abandon(*stream.Session) { h.abandoned++ }

func TestSocketThatCanNotBeWatched(t *testing.T) {
	l := listener()
	h := &holder{}
	l.Default.Content = h
	s := offline.NewSession(t, l)
	s.Advance(stream.Event{Kind: stream.Accepted})
	step := s.Advance(stream.Event{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpWatch, Err: syscall.ENOSPC})
	if step.Do != stream.Finish || s.Status != stream.StatusInternal || h.abandoned != 1 {
		t.Errorf("got step %d, status %d, abandoned %d times; want the end, 500, once", step.Do, s.Status, h.abandoned)
	}
	checkLog(t, s, "[alert] *1 epoll_ctl() failed (28: No space left on device)"+context)
}
