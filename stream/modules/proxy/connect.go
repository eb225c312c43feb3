package proxy

import (
	"errors"
	"syscall"

	"weir/internal/connecterror"
	"weir/internal/relay"
	"weir/stream"
	"weir/stream/upstream"
)

// never marks a phase that the attempt did not reach.
const never = -1

// connect begins one attempt. It follows ngx_stream_proxy_connect.
func (r *run) connect(s *stream.Session, group string) stream.Step {
	s.SetLogAction(stream.Connecting)
	now := s.Env.Now()
	s.Tries = append(s.Tries, stream.Try{Name: group, Start: s.Elapsed(), Connect: never, FirstByte: never})
	peer, err := r.picker.Pick()
	if err != nil {
		return r.noPeer(s, err, now)
	}
	r.peer = peer
	s.Tries[len(s.Tries)-1].Name = peer.Name
	a := r.attempt
	a.target.Addr = peer.Addr
	if r.BindDynamic && len(s.Tries) > 1 {
		a.target.Local = r.local(s)
	}
	a.target.Local = inFamilyOf(peer.Addr, a.target.Local)
	out, ahead := a.out, r.ahead(s)
	if r.withTLS(s) {
		out, ahead = a.out[:a.header], 0 // all other bytes follow the handshake
	}
	return stream.Step{Do: stream.Connect, Target: &a.target, Out: out, Max: ahead, Deadline: now.Add(r.ConnectTimeout)}
}

// connected begins the handshake, or starts the relay if the server has no TLS.
func (r *run) connected(s *stream.Session, ev stream.Event) stream.Step {
	r.number(s)
	if r.withTLS(s) {
		return r.handshake(s, ev.Local)
	}
	return r.established(s, ev.Local)
}

// established starts the relay. It follows ngx_stream_proxy_init_upstream.
func (r *run) established(s *stream.Session, local stream.Addr) stream.Step {
	t := &s.Tries[len(s.Tries)-1]
	t.Connect = s.Elapsed() - t.Start
	r.picker.Notify(r.peer, upstream.Connected, t.Connect)
	if !s.UDP() { // for datagrams the end shows whether the server has failed
		r.picker = r.picker.Established()
	}
	if s.LogEnabled(stream.LevelInfo) {
		s.LogPlain(stream.LevelInfo, udp(s)+"proxy "+local.String()+" connected to "+t.Name)
	}
	r.up = true
	s.SetEnding(0)
	spec := r.spec(s)
	s.CountSentEarly(r.peer.Traffic())
	r.countHead(s)
	s.PassedOn()
	r.attempt.recycle()
	r.attempt = nil
	s.SetLogAction(stream.Proxying)
	return stream.Step{Do: stream.Relay, Relay: spec}
}

// number takes a connection number: as in ngx_event_connect_peer, every socket for which connect()
// was called has one.
func (r *run) number(s *stream.Session) { s.Env.NextID() }

// countHead counts the client's first bytes as received, once: nginx peeks at them before it connects, and reads them later.
func (r *run) countHead(s *stream.Session) {
	if n := len(s.Head); s.Traffic.FromClient.Load() == 0 {
		s.CountFromClient(n)
	}
}

// spec returns the server's relay Spec for the peer, with the variable rates and the farewell of this
// session.
func (r *run) spec(s *stream.Session) *relay.Spec {
	shared := r.peer.Relay(r.Relay, r.SessionDrop)
	r.farewell = r.Disconnect.begin(s)
	if r.Upload.fixed() && r.Download.fixed() && r.farewell == nil {
		return shared
	}
	spec := *shared
	if r.farewell != nil {
		spec.Follower = r.farewell
	}
	spec.Upload, spec.Download = r.Upload.eval(s), r.Download.eval(s)
	return &spec
}

func (r *run) firstByte(s *stream.Session, first []byte) stream.Step {
	s.Server.Zone.MQTT().Connack(first, s.Elapsed()-s.Tries[0].Start)
	t := &s.Tries[len(s.Tries)-1]
	t.FirstByte = s.Elapsed() - t.Start
	r.picker.Notify(r.peer, upstream.FirstByte, t.FirstByte)
	return stream.Step{}
}

// connectFailed handles a failed connection attempt. Errors of the local socket are not failures of
// the server.
func (r *run) connectFailed(s *stream.Session, ev stream.Event) stream.Step {
	switch ev.Op {
	case stream.OpSocket:
		return r.socketFailed(s, ev.Err)
	case stream.OpTransparent:
		s.Log(stream.LevelAlert, transparentOption(r.attempt.target.Local)+" failed", ev.Err)
		return r.ourFault(s)
	case stream.OpBind:
		s.Log(stream.LevelCrit, "bind("+r.Bind.Eval(s)+") failed", ev.Err)
		return r.ourFault(s)
	}
	r.number(s)
	s.SetEnding(stream.ConnectFailed)
	if !connecterror.IsLocal(ev.Err, r.peer.Addr.Unix) {
		r.logConnect(s, ev.Err)
		return r.nextUpstream(s, upstream.Failed)
	}
	r.logConnect(s, ev.Err)
	if !connecterror.IsShortage(ev.Err) {
		return r.nextUpstream(s, upstream.Untried)
	}
	r.attempt.again.short = true
	return r.nextUpstream(s, upstream.Shortage)
}

// logConnect writes one of nginx's two sentences: one for a connect that failed in the call, which
// the log must then name, and one for a connect that failed later.
func (r *run) logConnect(s *stream.Session, err error) {
	var errno syscall.Errno
	errors.As(err, &errno)
	switch errno {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ETIMEDOUT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH:
		if r.attempt.target.Addr.Unix || s.UDP() {
			break
		}
		s.Log(stream.LevelError, "connect() failed", err)
		return
	}
	s.Log(connectLevel(err), "connect() to "+r.peer.Name+" failed", err)
}

// nextUpstream releases the server of a failed attempt and tries another. It follows
// ngx_stream_proxy_next_upstream, except that it pauses if servers were not reached because this
// machine lacked a resource.
func (r *run) nextUpstream(s *stream.Session, o upstream.Outcome) stream.Step {
	r.endTry(s)
	r.attempt.shake = handshake{}
	r.free(s, o)
	r.tries--
	late := r.NextTimeout > 0 && s.Elapsed()-s.Tries[0].Start >= r.NextTimeout
	if r.tries > 0 && r.NextUpstream && !late {
		return r.connect(s, r.picker.Group().Name)
	}
	if step, ok := r.pause(s); ok && !late {
		return step
	}
	return s.Finish(stream.StatusBadGateway)
}
