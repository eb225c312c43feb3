// Package proxy is the content that relays a session to an upstream server.
//
// See https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html.
package proxy

import (
	"time"

	"weir/internal/connecterror"
	"weir/internal/proxyproto"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/upstream"
)

// Content proxies the sessions of one server. It is immutable once compiled.
type Content struct {
	To             Destination
	Bind           *stream.Template // proxy_bind; nil means off
	Transparent    bool             // Bind may be an address of another machine
	BindDynamic    bool             // Bind is evaluated for each attempt instead of once per session
	ConnectTimeout time.Duration
	SessionDrop    bool // a session ends when its server has left the group
	Disconnect     *Disconnect
	NextUpstream   bool
	NextTries      int           // proxy_next_upstream_tries; 0 disables the limit
	NextTimeout    time.Duration // proxy_next_upstream_timeout; 0 disables it
	Protocol       Protocol
	TLS            *TLS // nil means plain connections; datagram sessions have no TLS
	KeepAlive      bool
	RcvBuf, SndBuf int
	Relay          *relay.Spec // shared by all sessions while both rates are fixed
	Upload         Rate
	Download       Rate
}

// run is the state of one proxied session.
type run struct {
	*Content
	picker   upstream.Picker
	peer     *upstream.Peer // chosen and not yet released
	farewell *farewell      // of an established session; nil without a DISCONNECT at its end
	attempt  *attempt       // nil once the upstream connection is up: sessions live long
	asked    *question      // outstanding; until it is answered the other fields are not set
	tries    int32          // attempts left, including the current one
	up       bool           // the upstream connection is up
	broken   bool           // datagrams: the server has refused one, or not answered
}

var runs = stream.NewKey[*run]()

// Begin chooses a server and connects. It follows ngx_stream_proxy_handler.
func (c *Content) Begin(s *stream.Session) stream.Step {
	s.SetProxying()
	group, place, err := c.To.group(s)
	switch {
	case err != nil:
		s.Log(stream.LevelError, err.Error(), nil)
		return s.Finish(stream.StatusInternal)
	case group == nil:
		return c.resolve(s, place)
	}
	return c.begin(s, group)
}

// begin chooses a server of the group and connects to it.
func (c *Content) begin(s *stream.Session, group *upstream.Group) stream.Step {
	r := &run{Content: c}
	r.attempt = newAttempt(c.Protocol, s)
	if r.attempt.header > proxyproto.MaxHeader {
		s.Log(stream.LevelAlert, "too small buffer for PROXY protocol v2 SSL TLV", nil)
		return s.Finish(stream.StatusInternal)
	}
	r.attempt.group = group
	r.attempt.target = stream.Target{
		Local: c.local(s), Transparent: c.Transparent, KeepAlive: c.KeepAlive, NoDelay: s.Server.Settings.NoDelay, RcvBuf: c.RcvBuf, SndBuf: c.SndBuf,
	}
	runs.Set(s, r)
	return r.choose(s)
}

// choose starts choosing a server, and connects.
func (r *run) choose(s *stream.Session) stream.Step {
	r.picker = r.attempt.group.Begin(s)
	tries := r.picker.Tries()
	if r.NextTries > 0 {
		tries = min(tries, r.NextTries)
	}
	r.tries = int32(tries)
	return r.connect(s, r.attempt.group.Name)
}

// Next continues after an event.
func (c *Content) Next(s *stream.Session, ev stream.Event) stream.Step {
	r, _ := runs.Get(s)
	if r.asked != nil {
		return r.resolved(s, ev)
	}
	if r.leaving() && ev.Kind != stream.Failed {
		return r.finish(s, stream.StatusOK) // the DISCONNECT is written, or cannot be
	}
	switch ev.Kind {
	case stream.Connected:
		return r.connected(s, ev)
	case stream.HandshakeDone:
		return r.handshakeDone(s, ev)
	case stream.FirstByte:
		return r.firstByte(s, ev.Data)
	case stream.Relayed:
		if s.UDP() {
			return r.exchanged(s, ev.Packets)
		}
		return r.relayed(s)
	case stream.Failed:
		return r.failed(s, ev)
	case stream.Bytes:
		r.clientSent(s, len(ev.Data))
	case stream.EOF:
		return r.clientEnded(s)
	case stream.TimedOut:
		return r.timedOut(s, ev)
	case stream.Aborted:
		return r.aborted(s)
	}
	return stream.Step{}
}

func (r *run) timedOut(s *stream.Session, ev stream.Event) stream.Step {
	if r.attempt.again.pausing {
		return r.chooseAgain(s)
	}
	if r.attempt.queue.pausing {
		return r.pickAgain(s)
	}
	if r.handshaking() {
		r.countHandshake(s, ev)
	} else {
		r.number(s)
	}
	s.Log(stream.LevelError, "upstream timed out", stream.ErrTimedOut)
	s.SetEnding(stream.ConnectTimeout)
	return r.nextUpstream(s, upstream.Failed)
}

func (r *run) aborted(s *stream.Session) stream.Step {
	if !r.up && !r.handshaking() {
		r.number(s)
	}
	why, text := r.abortReason()
	s.Log(stream.LevelInfo, text, nil)
	s.SetEnding(why)
	return r.leave(s, why)
}

// abortReason returns why the session is ended, and the text for the log.
func (r *run) abortReason() (stream.Ending, string) {
	if r.peer == nil {
		return stream.Shutdown, "shutdown timeout"
	}
	switch why := r.picker.Group().Ending(r.peer); {
	case why == stream.BrokerDrained:
		return why, "upstream server is drained"
	case why == stream.BrokerRemoved && r.SessionDrop:
		return why, removedText
	}
	return stream.Shutdown, "shutdown timeout"
}

// Chosen implements upstream.Proxy.
func (c *Content) Chosen(s *stream.Session) (p upstream.Picker, peer *upstream.Peer, drops bool) {
	r, ok := runs.Get(s)
	if !ok {
		return nil, nil, false
	}
	return r.picker, r.peer, c.SessionDrop
}

func (r *run) failed(s *stream.Session, ev stream.Event) stream.Step {
	if r.up {
		r.broken = r.broken || s.UDP() && ev.Side == stream.UpstreamSide && !connecterror.IsLocal(ev.Err, r.peer.Addr.Unix)
		r.logRelayFailure(s, ev)
		return stream.Step{}
	}
	if ev.Side == stream.ClientSide {
		return r.clientFailed(s, ev)
	}
	if ev.Op == stream.OpHandshake {
		return r.handshakeFailed(s, ev)
	}
	return r.connectFailed(s, ev)
}

// relayed ends the session after a relay.
func (r *run) relayed(s *stream.Session) stream.Step {
	r.logEnd(s)
	if s.Traffic.End == relay.Dropped {
		s.SetEnding(stream.BrokerRemoved)
		return r.leave(s, stream.BrokerRemoved)
	}
	return r.finish(s, stream.StatusOK)
}

// finish ends the session: as in ngx_stream_proxy_finalize, the peer is released before the log is
// written.
func (r *run) finish(s *stream.Session, status stream.Status) stream.Step {
	r.endTry(s)
	r.picker.Leave()
	r.free(s, r.outcome())
	return s.Finish(status)
}

// outcome returns the outcome for the peer of a session that ends now.
func (r *run) outcome() upstream.Outcome {
	switch {
	case r.broken:
		return upstream.Failed
	case !r.up:
		return upstream.Abandoned
	}
	return upstream.Succeeded
}

// endTry completes the record of the current attempt.
func (r *run) endTry(s *stream.Session) {
	t := &s.Tries[len(s.Tries)-1]
	t.Total = s.Elapsed() - t.Start
	if r.up || r.handshaking() {
		r.countUnrelayed(s)
		t.Sent, t.Received = s.Traffic.ToUpstream.Load(), s.Traffic.FromUpstream.Load()
	}
}

// countUnrelayed counts the bytes that were sent to a server without a relay: the PROXY header before
// a handshake that failed.
func (r *run) countUnrelayed(s *stream.Session) {
	if !r.up && r.peer != nil {
		s.CountSentEarly(r.peer.Traffic())
	}
}

func (r *run) free(s *stream.Session, o upstream.Outcome) {
	peer := r.peer
	if peer == nil {
		return
	}
	r.peer = nil
	r.picker.Free(peer, o, &s.Tries[len(s.Tries)-1])
}

// Abandon releases the server of a session that ended with a panic; otherwise it would count
// against max_conns forever.
func (c *Content) Abandon(s *stream.Session) {
	r, ok := runs.Get(s)
	if !ok {
		return
	}
	if r.picker != nil {
		r.picker.Leave()
	}
	r.free(s, upstream.Abandoned)
}
