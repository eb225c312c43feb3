package udp

import (
	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

// readsPerTurn is how many batches a server may send before the loop serves others.
const readsPerTurn = 4

// startRelay begins to relay datagrams, including the client's first one, which was sent with the
// connect.
func (c *conn) startRelay(spec *relay.Spec) (stream.Event, bool) {
	c.spec = spec
	c.upload, c.download = c.newPace(spec.Upload), c.newPace(spec.Download)
	c.touch()
	c.sendEarly()
	if c.refused != 0 {
		c.fail(stream.UpstreamSide, stream.OpSendMsg, c.refused)
		return c.relayed(relay.UpstreamError), true
	}
	if c.over() {
		return c.relayed(relay.Done), true
	}
	if spec.Timeout > 0 {
		c.l.wheel.Set(&c.timer, c.l.now.Add(spec.Timeout))
	}
	return stream.Event{}, false
}

// end ends the relay.
func (c *conn) end(why relay.End) { c.do(c.s.Advance(c.relayed(why))) }

// shutDown ends the session because another session receives the client's datagrams now, or because
// the socket to answer through is gone. A session that is not in its relay continues without a key
// in the table.
func (c *conn) shutDown() {
	if c.relaying() {
		c.end(relay.Shutdown)
		return
	}
	c.removeFromTable()
}

// over reports whether the session has relayed all that it has to. It follows
// ngx_stream_proxy_test_finalize.
func (c *conn) over() bool {
	if c.spec.Full(c.packets) {
		c.removeFromTable()
	}
	return c.spec.Over(c.packets) && c.toServer.empty() && c.toClient.empty()
}

// endIfOver ends the relay if it is over.
func (c *conn) endIfOver() {
	if c.over() {
		c.end(relay.Done)
	}
}

// touch starts the idle timeout again. It uses the monotonic clock: setting the system clock ends
// no session.
func (c *conn) touch() { c.active = c.l.now.Sub(c.l.began) }

// expired handles the expiry of the conn's timer. Datagrams may have moved the deadline since it
// was set. The timeout does not run in a pause.
func (c *conn) expired() {
	if !c.relaying() {
		c.lookup.End()
		c.earlyRoom = 0
		c.do(c.s.Advance(stream.Event{Kind: stream.TimedOut}))
		return
	}
	due := c.l.began.Add(c.active + c.spec.Timeout)
	switch {
	case c.paused():
		c.l.wheel.Set(&c.timer, c.l.now.Add(c.spec.Timeout))
	case due.After(c.l.now):
		c.l.wheel.Set(&c.timer, due)
	default:
		c.end(relay.Timeout)
	}
}

// fromClient passes a datagram on to the server. As in nginx, a datagram is lost if the rate allows
// none or the queue is full, and is cut if it is larger than the free part of the buffer.
func (c *conn) fromClient(data []byte) {
	if !c.relaying() {
		c.keepEarly(data)
		return
	}
	if c.spec.Dropped() {
		c.end(relay.Dropped)
		return
	}
	room := c.spec.BufferSize - c.toServer.size
	if room <= 0 || c.toServer.full() || !c.upload.allows(c.s.Traffic.FromClient.Load()) {
		return
	}
	data = data[:min(len(data), room)]
	c.packets.Requests++
	c.s.CountFromClient(len(data))
	c.upload.read(len(data))
	c.touch()
	if e := c.write(data); e != 0 {
		c.fail(stream.UpstreamSide, stream.OpSendMsg, e)
		c.end(relay.UpstreamError)
		return
	}
	c.endIfOver()
}

// write sends a datagram to the server, now or when the socket accepts it.
func (c *conn) write(data []byte) unix.Errno {
	if c.toServer.empty() {
		if e := c.sendServerNow(data); e != unix.EAGAIN {
			return e
		}
	}
	c.toServer.push(data)
	c.retryLater()
	return 0
}

// readable handles the event that the server has sent data, or that a datagram to it was refused.
func (c *conn) readable() {
	c.ready = true
	c.forwardFromServer()
}

// forwardFromServer passes on the server's datagrams, up to the limit of a turn.
func (c *conn) forwardFromServer() {
	if !c.relaying() {
		return
	}
	if c.p.removed {
		c.end(relay.Shutdown)
		return
	}
	if c.spec.Dropped() {
		c.end(relay.Dropped)
		return
	}
	for range readsPerTurn {
		if !c.canForward() {
			break
		}
		if !c.fromServer() {
			return
		}
	}
	if c.canForward() && !c.queued {
		c.queued = true
		c.l.ready = append(c.l.ready, c)
	}
	c.endIfOver()
}

// canForward reports whether there may be data to read that could be passed on at once.
func (c *conn) canForward() bool {
	return c.ready && c.toClient.empty() && c.download.allows(c.s.Traffic.FromUpstream.Load())
}

// fromServer passes one batch on to the client, and reports whether the relay continues. As in
// nginx, an error counts as an answer, and nothing is sent for it.
func (c *conn) fromServer() bool {
	want := batchSize
	if c.download != nil {
		want = 1
	}
	n, e := c.l.out.receive(c.fd, want, c.spec.BufferSize)
	if e == unix.EAGAIN || e == unix.EINTR {
		c.ready = e == unix.EINTR
		return true
	}
	c.touch()
	if !c.answered && c.spec.FirstByte {
		c.s.Advance(stream.Event{Kind: stream.FirstByte})
	}
	c.answered = true
	c.ready = n == want
	if e != 0 {
		c.fail(stream.UpstreamSide, stream.OpRecv, e)
		c.packets.Responses++
		c.ready = true
		return true
	}
	c.packets.Responses += n
	size := c.l.out.size(n)
	c.s.CountFromUpstream(c.spec, size, nil)
	c.download.read(size)
	if e := c.sendClient(n); e != 0 {
		c.fail(stream.ClientSide, stream.OpSendMsg, e)
		c.end(relay.ClientError)
		return false
	}
	return true
}

// sendClient sends the first n datagrams of the loop's batch to the client. It queues those that
// the socket does not accept now.
func (c *conn) sendClient(n int) unix.Errno {
	out := c.l.out
	out.address(n, c)
	for i := 0; i < n; {
		sent, e := out.send(c.p.fd, i, n)
		switch e {
		case 0:
			c.s.CountToClient(out.size(i+sent) - out.size(i))
			i += sent
		case unix.EINTR:
		case unix.EAGAIN:
			for ; i < n; i++ {
				c.toClient.push(out.data(i))
			}
			c.retryLater()
		default:
			return e
		}
	}
	return 0
}

// control returns the control data that makes the kernel answer from the address that the client
// has sent to.
func (c *conn) control(room *[controlSize]byte) []byte {
	if !c.local.IsValid() {
		return nil
	}
	return putLocal(room, c.local)
}
